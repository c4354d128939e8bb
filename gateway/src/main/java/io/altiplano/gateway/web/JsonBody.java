package io.altiplano.gateway.web;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads a request's body as strict JSON: one object, UTF-8, at most 4 MiB, 100 deep, no key twice, nothing behind it.
 * Two readers that disagree on which of two equal keys counts are a way around every check, so there is no such body.
 */
public final class JsonBody {
    /** Largest body taken, bytes. */
    public static final int MOST_BYTES = 4 * 1024 * 1024;

    private static final int MOST_DEPTH = 100;

    private static final ObjectReader READER = JsonMapper.builder(com.fasterxml.jackson.core.JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(MOST_DEPTH)
                            .maxStringLength(MOST_BYTES)
                            .maxNumberLength(1000)
                            .maxNameLength(1000)
                            .build())
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build()
            .readerFor(JsonNode.class);

    private JsonBody() {}

    /**
     * The body's object.
     *
     * @throws ApiException 400, 413 or 415 with the reason
     */
    public static ObjectNode read(@Nullable MediaType type, InputStream body) {
        return read(type, body, MOST_BYTES);
    }

    /** The object of a body of at most so many bytes. */
    public static ObjectNode read(@Nullable MediaType type, InputStream body, int mostBytes) {
        requireJson(type);
        byte[] bytes = bytes(body, mostBytes);
        if (bytes.length == 0) {
            throw badJson("The body is empty; a JSON object is needed.");
        }
        String text = utf8(bytes);
        try (JsonParser parser = READER.createParser(text)) {
            JsonNode root = READER.readTree(parser);
            if (parser.nextToken() != null) {
                throw badJson("There is something behind the JSON object; send one object alone.");
            }
            if (root instanceof ObjectNode object) {
                requireWellFormed(object);
                return object;
            }
            throw badJson("The body is not a JSON object.");
        } catch (StreamConstraintsException e) {
            throw badJson("The JSON is nested deeper than " + MOST_DEPTH + " levels or has a number or name longer than"
                    + " 1000 characters.");
        } catch (JsonProcessingException e) {
            throw badJson("The body is not valid JSON" + where(e) + ": " + firstLine(e.getOriginalMessage()));
        } catch (IOException e) {
            throw badJson("The body is not valid JSON.");
        }
    }

    private static void requireJson(@Nullable MediaType type) {
        boolean json = type != null
                && type.getType().equalsIgnoreCase("application")
                && (type.getSubtype().equalsIgnoreCase("json")
                        || type.getSubtype().toLowerCase(Locale.ROOT).endsWith("+json"));
        String charset = type == null ? null : type.getParameters().get(MediaType.CHARSET_PARAMETER);
        if (!json || (charset != null && !charset.equalsIgnoreCase("utf-8"))) {
            throw new ApiException(ApiError.http(
                    415,
                    "unsupported_content_type",
                    "This endpoint takes JSON in UTF-8; send the header Content-Type: application/json."));
        }
    }

    private static byte[] bytes(InputStream body, int mostBytes) {
        try {
            byte[] bytes = Upload.read(body, mostBytes);
            if (bytes.length > mostBytes) {
                throw new ApiException(tooLarge(mostBytes));
            }
            return bytes;
        } catch (IOException e) {
            throw badJson("The body could not be read to its end.");
        }
    }

    private static String utf8(byte[] bytes) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw badJson("The body is not valid UTF-8.");
        }
    }

    /** Half a surrogate pair is no character: it cannot be encoded, stored or sent back. */
    private static void requireWellFormed(JsonNode node) {
        if (node.isTextual() && !wellFormed(node.textValue())) {
            throw badJson("A string holds half of a surrogate pair; send whole characters.");
        }
        node.fieldNames().forEachRemaining(name -> {
            if (!wellFormed(name)) {
                throw badJson("A key holds half of a surrogate pair; send whole characters.");
            }
        });
        for (JsonNode child : node) {
            requireWellFormed(child);
        }
    }

    private static boolean wellFormed(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c)) {
                i++;
                if (i == text.length() || !Character.isLowSurrogate(text.charAt(i))) {
                    return false;
                }
            } else if (Character.isLowSurrogate(c)) {
                return false;
            }
        }
        return true;
    }

    static ApiError tooLarge() {
        return tooLarge(MOST_BYTES);
    }

    private static ApiError tooLarge(int mostBytes) {
        return ApiError.http(
                413, "request_too_large", "The body is larger than " + mostBytes + " bytes; send less at once.");
    }

    private static ApiException badJson(String message) {
        return new ApiException(ApiError.invalidRequest(null, "invalid_json", message));
    }

    private static String where(JsonProcessingException e) {
        return e.getLocation() == null
                ? ""
                : " at line " + e.getLocation().getLineNr() + ", column "
                        + e.getLocation().getColumnNr();
    }

    private static String firstLine(@Nullable String message) {
        if (message == null) {
            return "unreadable";
        }
        String line = message.lines().findFirst().orElse("unreadable");
        return line.length() > 200 ? line.substring(0, 200) + "…" : line;
    }
}
