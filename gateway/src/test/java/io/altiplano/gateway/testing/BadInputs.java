package io.altiplano.gateway.testing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.restassured.config.EncoderConfig;
import io.restassured.config.RestAssuredConfig;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The list of bad input, and what every answer to it must be: never a 5xx, an error in OpenAI's shape, no header injected. */
public final class BadInputs {
    /** Sends bodies and content types as they are given. */
    public static final RestAssuredConfig RAW = RestAssuredConfig.config()
            .encoderConfig(EncoderConfig.encoderConfig()
                    .appendDefaultContentCharsetToContentTypeIfUndefined(false)
                    .encodeContentTypeAs("application/x-www-form-urlencoded", ContentType.BINARY)
                    .encodeContentTypeAs("multipart/form-data", ContentType.BINARY)
                    .encodeContentTypeAs("nonsense", ContentType.BINARY));

    private static final ObjectMapper JSON = new ObjectMapper();

    private BadInputs() {}

    /** Bodies that every JSON endpoint refuses. */
    public static Map<String, byte[]> notJson() {
        Map<String, String> bad = new TreeMap<>();
        bad.put("empty", "");
        bad.put("blank", "   ");
        bad.put("malformed", "{\"model\": ");
        bad.put("not an object", "[1, 2]");
        bad.put("a string", "\"hello\"");
        bad.put("null", "null");
        bad.put("trailing garbage", "{} x");
        bad.put("two objects", "{}{}");
        bad.put("duplicate key", "{\"model\": \"a\", \"model\": \"b\"}");
        bad.put("deep arrays", "{\"a\":" + "[".repeat(10_000) + "]".repeat(10_000) + "}");
        bad.put("deep objects", "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000));
        bad.put("NaN", "{\"temperature\": NaN}");
        bad.put("Infinity", "{\"temperature\": Infinity}");
        bad.put("comment", "{/* no */}");
        bad.put("single quotes", "{'model': 'x'}");
        bad.put("huge number", "{\"seed\": " + "9".repeat(5000) + "}");
        bad.put("lone surrogate", "{\"model\": \"\\ud800\"}");
        bad.put("lone surrogate in a key", "{\"\\udc00\": 1}");
        bad.put("long key", "{\"" + "k".repeat(5000) + "\": 1}");
        Map<String, byte[]> bytes = new LinkedHashMap<>();
        bad.forEach((name, text) -> bytes.put(name, text.getBytes(StandardCharsets.UTF_8)));
        bytes.put("not UTF-8", new byte[] {'{', '"', (byte) 0xff, (byte) 0xfe, '"', ':', '1', '}'});
        bytes.put("UTF-16", "{\"model\": \"x\"}".getBytes(StandardCharsets.UTF_16LE));
        return bytes;
    }

    /** Values for any field, as JSON; some are right for some fields, none may break anything. */
    public static List<String> values() {
        return List.of(
                "null",
                "5",
                "-1",
                "0.5",
                "1e999",
                "9223372036854775808",
                "true",
                "[]",
                "{}",
                "[null]",
                "[[]]",
                "\"\"",
                "\"  \"",
                "\"a\\u0000b\"",
                "\"\\ud800\"",
                "\"\\u202eevil\"",
                "\"../../etc/passwd\"",
                "\"x'; DROP TABLE tenant; --\"",
                "\"=cmd|' /C calc'!A0\"",
                "\"<script>alert(1)</script>\"",
                "\"a\\r\\nx-injected: 1\"",
                "\"{{ 7*7 }}{% raw %}\"",
                "\"<|eot_id|>\"",
                "\"" + "v".repeat(100_000) + "\"");
    }

    /** Texts for a place in a path, already encoded; none of them is the id of anything. */
    public static List<String> pathTexts() {
        return List.of(
                "a%00b",
                "..%2f..%2fetc%2fpasswd",
                "%2e%2e",
                "a%0d%0ax-injected:%201",
                "%ff%fe",
                "%ed%a0%80",
                "%e2%80%aeevil",
                "x%27%3b%20DROP%20TABLE%20tenant%3b%20--",
                "%3cscript%3e",
                "9223372036854775808",
                "m".repeat(3000));
    }

    /**
     * Notes what is wrong with an answer to bad input.
     *
     * @param status the one expected, or 0 for any of 4xx
     */
    public static void check(List<String> faults, String what, int status, Response response) {
        String shown = what.length() > 120 ? what.substring(0, 120) : what;
        int given = response.statusCode();
        if (status == 0 ? given < 400 || given > 499 : given != status) {
            faults.add(shown + ": status " + given + " " + response.asString());
        }
        try {
            JsonNode error = JSON.readTree(response.asString()).path("error");
            boolean shape = error.path("message").isTextual()
                    && error.path("type").isTextual()
                    && error.has("param")
                    && error.has("code");
            if (!shape) {
                faults.add(shown + ": not OpenAI's shape: " + response.asString());
            }
        } catch (JsonProcessingException e) {
            faults.add(shown + ": no JSON: " + response.asString());
        }
        if (response.header("x-request-id") == null) {
            faults.add(shown + ": no x-request-id");
        }
        if (response.header("x-injected") != null) {
            faults.add(shown + ": a header was injected");
        }
    }
}
