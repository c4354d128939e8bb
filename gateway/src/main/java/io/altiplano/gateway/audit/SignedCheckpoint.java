package io.altiplano.gateway.audit;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * "At this time the log had this row, and the chain up to it held": one line of a file outside the database.
 *
 * @param seq the row's number
 * @param hash the row's, 64 hexadecimal digits
 * @param at when it was signed, by the signer's clock, ISO 8601
 * @param key which key signed: the first 16 hexadecimal digits of SHA-256 over the public key (X.509)
 * @param previous SHA-256 over the line before, 64 hexadecimal digits; zeros in the first
 * @param signature Ed25519 over {@link #canonical()}, Base64
 */
record SignedCheckpoint(long seq, String hash, String at, String key, String previous, String signature) {
    static final String NO_PREVIOUS = "0".repeat(64);

    private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern KEY = Pattern.compile("[0-9a-f]{16}");
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** What is signed. */
    byte[] canonical() {
        return ("altiplano audit checkpoint 1\n" + seq + "\n" + hash + "\n" + at + "\n" + key + "\n" + previous + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** As a line, without its end. */
    String line() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a record of texts is JSON", e);
        }
    }

    /** SHA-256 over a line, which the next one holds as {@code previous}. */
    static String hashOf(String line) {
        return HexFormat.of().formatHex(AuditChain.sha256().digest(line.getBytes(StandardCharsets.UTF_8)));
    }

    /** A line read; nothing if it is no checkpoint, or is written in another way than {@link #line()}. */
    static Optional<SignedCheckpoint> parse(String line) {
        try {
            SignedCheckpoint c = JSON.readValue(line, SignedCheckpoint.class);
            Base64.getDecoder().decode(c.signature());
            Instant.parse(c.at());
            boolean formed = c.seq() > 0
                    && HASH.matcher(c.hash()).matches()
                    && KEY.matcher(c.key()).matches()
                    && HASH.matcher(c.previous()).matches()
                    && c.line().equals(line);
            return formed ? Optional.of(c) : Optional.empty();
        } catch (JsonProcessingException | IllegalArgumentException | DateTimeException e) {
            return Optional.empty();
        }
    }
}
