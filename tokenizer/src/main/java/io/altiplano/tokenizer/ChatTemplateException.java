package io.altiplano.tokenizer;

/** Messages that a model's chat template refuses or fails on; the message is fit for the caller who sent them. */
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With what the template says. */
    public ChatTemplateException(String message) {
        super(message);
    }
}
