package io.altiplano.gateway.testing;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint directory in the smallest form that the catalog accepts: one layer of zeros, and a tokenizer whose tokens
 * are the 256 bytes, so that a text's tokens are its UTF-8. Nobody runs it; the gateway only reads its headers.
 */
public final class TestCheckpoint {
    /** Special tokens in order from id 256. */
    public static final List<String> SPECIAL = List.of(
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eom_id|>",
            "<|eot_id|>");

    /** Id of the token that ends an answer. */
    public static final int EOT = 256 + 5;

    /** Most tokens of prompt and answer. */
    public static final int CONTEXT = 2048;

    private static final int VOCABULARY = 264;
    private static final int HIDDEN = 16;
    private static final int FFN = 32;
    private static final String TEMPLATE = "{{- bos_token }}"
            + "{%- if tools is not none and tools %}{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}"
            + "{%- for t in tools %}{{- t | tojson }}{{- '\\n' }}{%- endfor %}{{- '<|eot_id|>' }}{%- endif %}"
            + "{%- for m in messages %}"
            + "{%- if 'tool_calls' in m %}"
            + "{%- if not m.tool_calls|length == 1 %}"
            + "{{- raise_exception('This model only supports single tool-calls at once!') }}{%- endif %}"
            + "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
            + "{{- '{\"name\": \"' + m.tool_calls[0].function.name + '\", \"parameters\": ' }}"
            + "{{- m.tool_calls[0].function.arguments | tojson }}{{- '}<|eot_id|>' }}"
            + "{%- else %}"
            + "{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' }}"
            + "{%- endif %}{%- endfor %}"
            + "{%- if add_generation_prompt %}"
            + "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}";
    private static final ObjectMapper JSON = new ObjectMapper();

    private TestCheckpoint() {}

    /** Writes one into a new directory under the model store. */
    public static Path write(Path store, String id) {
        try {
            Path directory = Files.createDirectories(store.resolve(id));
            JSON.writeValue(directory.resolve("config.json").toFile(), config());
            JSON.writeValue(directory.resolve("tokenizer.json").toFile(), tokenizer());
            JSON.writeValue(
                    directory.resolve("tokenizer_config.json").toFile(),
                    Map.of("bos_token", SPECIAL.getFirst(), "eos_token", "<|eot_id|>", "chat_template", TEMPLATE));
            Files.writeString(directory.resolve("LICENSE"), "The licence that came with this checkpoint.\n");
            weights(directory.resolve("model.safetensors"));
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The configuration, for tests that spoil it. */
    public static Map<String, Object> config() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("architectures", List.of("LlamaForCausalLM"));
        config.put("model_type", "llama");
        config.put("hidden_size", HIDDEN);
        config.put("intermediate_size", FFN);
        config.put("num_hidden_layers", 1);
        config.put("num_attention_heads", 2);
        config.put("num_key_value_heads", 1);
        config.put("vocab_size", VOCABULARY);
        config.put("max_position_embeddings", CONTEXT);
        config.put("tie_word_embeddings", true);
        config.put("bos_token_id", 256);
        config.put("eos_token_id", List.of(257, EOT));
        return config;
    }

    private static ObjectNode tokenizer() {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (int i = 0; i < SPECIAL.size(); i++) {
            added.addObject()
                    .put("id", 256 + i)
                    .put("content", SPECIAL.get(i))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        root.putNull("normalizer");
        root.putObject("pre_tokenizer")
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", false);
        root.putNull("post_processor");
        root.putObject("decoder")
                .put("type", "ByteLevel")
                .put("add_prefix_space", true)
                .put("trim_offsets", true)
                .put("use_regex", true);
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE");
        model.putNull("dropout").putNull("unk_token");
        model.putNull("continuing_subword_prefix").putNull("end_of_word_suffix");
        model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
        ObjectNode vocabulary = model.putObject("vocab");
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || (b >= 0xae && b <= 0xff);
            vocabulary.put(Character.toString(printable ? b : next++), b);
        }
        model.putArray("merges");
        return root;
    }

    private static void weights(Path file) throws IOException {
        Map<String, List<Integer>> shapes = new LinkedHashMap<>();
        String layer = "model.layers.0.";
        shapes.put("model.embed_tokens.weight", List.of(VOCABULARY, HIDDEN));
        shapes.put("model.norm.weight", List.of(HIDDEN));
        shapes.put(layer + "input_layernorm.weight", List.of(HIDDEN));
        shapes.put(layer + "post_attention_layernorm.weight", List.of(HIDDEN));
        shapes.put(layer + "self_attn.q_proj.weight", List.of(HIDDEN, HIDDEN));
        shapes.put(layer + "self_attn.k_proj.weight", List.of(HIDDEN / 2, HIDDEN));
        shapes.put(layer + "self_attn.v_proj.weight", List.of(HIDDEN / 2, HIDDEN));
        shapes.put(layer + "self_attn.o_proj.weight", List.of(HIDDEN, HIDDEN));
        shapes.put(layer + "mlp.gate_proj.weight", List.of(FFN, HIDDEN));
        shapes.put(layer + "mlp.up_proj.weight", List.of(FFN, HIDDEN));
        shapes.put(layer + "mlp.down_proj.weight", List.of(HIDDEN, FFN));
        ObjectNode header = JSON.createObjectNode();
        int at = 0;
        for (Map.Entry<String, List<Integer>> tensor : shapes.entrySet()) {
            int bytes = 2 * tensor.getValue().stream().reduce(1, Math::multiplyExact);
            ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", "BF16");
            entry.putPOJO("shape", tensor.getValue());
            entry.putArray("data_offsets").add(at).add(at + bytes);
            at += bytes;
        }
        byte[] json = JSON.writeValueAsBytes(header);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length)
                    .array());
            out.write(json);
            out.write(new byte[at]);
        }
    }
}
