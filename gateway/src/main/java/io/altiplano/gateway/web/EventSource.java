package io.altiplano.gateway.web;

/** What an event stream is fed from. Its methods are called one at a time, on the connection's event loop. */
public interface EventSource {
    /** Called once, first: {@code signal} is to be run, on any thread, whenever there is something to drain. */
    void start(Runnable signal);

    /**
     * Appends all events that are there, each as {@code data: ...} and an empty line. Never blocks.
     *
     * @return whether that was the end of the stream
     */
    boolean drain(StringBuilder out);

    /** The client has gone before the end, or does not read. */
    void abandoned(String reason);
}
