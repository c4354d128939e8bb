package io.altiplano.gateway.access;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * An API key as text: {@code alt_ENV_PREFIX_SECRETCHECK}. The environment (2 to 8 lower case letters) says for which platform
 * it is. The prefix (8 characters) is public: keys are listed and looked up by it. The secret (32 characters, 190 bits) is random. The check (6 characters) is the CRC-32 of all before it, so that a
 * mistyped or made-up key is refused without a query, and scanners can tell a leaked key from noise. All in base 62. Keys
 * from before there were environments lack theirs and are read as well.
 */
final class KeyText {
    static final int PREFIX_LENGTH = 8;

    private static final int SECRET_LENGTH = 32;
    private static final int CHECK_LENGTH = 6;
    private static final String DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private static final Pattern FORM =
            Pattern.compile("(alt_(?:(" + KeySettings.ENV + ")_)?([0-9A-Za-z]{8})_[0-9A-Za-z]{32})([0-9A-Za-z]{6})");

    private final String text;
    private final @Nullable String env;
    private final String prefix;

    private KeyText(String text, @Nullable String env, String prefix) {
        this.text = text;
        this.env = env;
        this.prefix = prefix;
    }

    /** A new key of an environment. */
    static KeyText create(SecureRandom random, String env) {
        String prefix = draw(random, PREFIX_LENGTH);
        String body = "alt_" + env + "_" + prefix + "_" + draw(random, SECRET_LENGTH);
        return new KeyText(body + check(body), env, prefix);
    }

    /** Reads a key; empty if it has not the form, its check does not hold, or it is another environment's. */
    static Optional<KeyText> parse(String text, String env) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()
                || !check(matcher.group(1)).equals(matcher.group(4))
                || (matcher.group(2) != null && !matcher.group(2).equals(env))) {
            return Optional.empty();
        }
        return Optional.of(new KeyText(text, matcher.group(2), matcher.group(3)));
    }

    /** What may be shown of a key: all but its secret. */
    static String shown(@Nullable String env, String prefix) {
        return "alt_" + (env == null ? "" : env + "_") + prefix + "_...";
    }

    /** The whole key: shown once to whoever creates it, and never written down here. */
    String secretText() {
        return text;
    }

    String prefix() {
        return prefix;
    }

    /** The secret stays out of logs. */
    @Override
    public String toString() {
        return shown(env, prefix);
    }

    private static String draw(SecureRandom random, int length) {
        StringBuilder out = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            out.append(DIGITS.charAt(random.nextInt(DIGITS.length())));
        }
        return out.toString();
    }

    private static String check(String body) {
        CRC32 crc = new CRC32();
        crc.update(body.getBytes(StandardCharsets.US_ASCII));
        long rest = crc.getValue();
        char[] out = new char[CHECK_LENGTH];
        for (int i = CHECK_LENGTH - 1; i >= 0; i--) {
            out[i] = DIGITS.charAt((int) (rest % DIGITS.length()));
            rest /= DIGITS.length();
        }
        return new String(out);
    }
}
