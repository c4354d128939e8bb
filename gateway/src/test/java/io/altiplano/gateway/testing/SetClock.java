package io.altiplano.gateway.testing;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** A clock that stands still until a test moves it, either way. */
public final class SetClock extends Clock {
    private volatile Instant now;

    /** Standing at an instant. */
    public SetClock(Instant now) {
        this.now = now;
    }

    /** Moves it on. */
    public void pass(Duration time) {
        now = now.plus(time);
    }

    /** Puts it to an instant. */
    public void set(Instant instant) {
        now = instant;
    }

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        return this;
    }
}
