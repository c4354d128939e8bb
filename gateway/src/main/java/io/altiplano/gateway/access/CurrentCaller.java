package io.altiplano.gateway.access;

import jakarta.enterprise.context.RequestScoped;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The caller of the current request, set by the API key filter before any resource under {@code /v1} runs. */
@RequestScoped
public class CurrentCaller {
    private @Nullable Caller caller;

    /**
     * The caller.
     *
     * @throws IllegalStateException outside of an authenticated request
     */
    public Caller get() {
        if (caller == null) {
            throw new IllegalStateException("no caller: this request did not pass the API key filter");
        }
        return caller;
    }

    /** The caller, if the request carried an API key; only a resource that is open to anybody may ask. */
    public Optional<Caller> find() {
        return Optional.ofNullable(caller);
    }

    void set(Caller authenticated) {
        caller = authenticated;
    }
}
