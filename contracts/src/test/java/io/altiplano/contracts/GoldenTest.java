package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import io.altiplano.contracts.v1.Altiplano;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The wire, held fast: each message with every field set, as version byte and protobuf, against bytes that were written once.
 * A message with a oneof has a file a member, so a new member, like a new message, fails until its file is there.
 *
 * <p>A compatible change adds a field, and the message's file no longer fits: rename it to {@code NAME@N.bin} (N from 1; such
 * files must be readable for ever) and write the new one by {@code -Daltiplano.golden.write=true}, which writes what is
 * missing and never overwrites.
 */
class GoldenTest {
    private static final Path DIR = Path.of("src/test/resources/golden");
    private static final boolean WRITE = Boolean.getBoolean("altiplano.golden.write");

    /** A message of the generated class, all fields set. */
    record Case(String name, Descriptor type, Message message) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (Descriptor type : Altiplano.getDescriptor().getMessageTypes()) {
            List<FieldDescriptor> members = type.getRealOneofs().stream()
                    .flatMap(o -> o.getFields().stream())
                    .toList();
            if (members.isEmpty()) {
                cases.add(new Case(
                        type.getName(), type, Filled.of(type, type.getFields().getFirst())));
            }
            for (FieldDescriptor member : members) {
                cases.add(new Case(type.getName() + "." + member.getName(), type, generated(Filled.of(type, member))));
            }
        }
        return cases.stream();
    }

    /** The same message in its generated class, which is what services write and read. */
    private static Message generated(Message dynamic) {
        try {
            return prototype(dynamic.getDescriptorForType())
                    .newBuilderForType()
                    .mergeFrom(dynamic.toByteArray())
                    .build();
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Message prototype(Descriptor type) {
        try {
            return (Message) Class.forName("io.altiplano.contracts.v1." + type.getName())
                    .getMethod("getDefaultInstance")
                    .invoke(null);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no generated class of " + type.getFullName(), e);
        }
    }

    private static Path file(Case c) {
        return DIR.resolve(c.name + ".bin");
    }

    private static byte[] golden(Case c) {
        try {
            if (WRITE && !Files.exists(file(c))) {
                Files.createDirectories(DIR);
                Files.write(file(c), encode(c));
            }
            assertThat(file(c))
                    .as("a message without its golden file: write it by -Daltiplano.golden.write=true and commit it")
                    .exists();
            return Files.readAllBytes(file(c));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] encode(Case c) {
        return Codec.of(c.message).encode(c.message);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatIsWrittenIsByteForByteWhatItWas(Case c) {
        assertThat(encode(c)).isEqualTo(golden(c));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whatWasWrittenIsReadWithEveryField(Case c) {
        Message read = Codec.of(prototype(c.type)).decode(golden(c));
        assertThat(read).isEqualTo(c.message);
        assertThat(read.getUnknownFields().asMap()).isEmpty();
    }

    @Test
    void everyGoldenFileIsReadAsItsMessageAlsoThoseOfEarlierForms() throws IOException {
        Map<String, Case> byName = new TreeMap<>();
        cases().forEach(c -> byName.put(c.name, c));
        try (Stream<Path> files = Files.list(DIR)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString().replaceFirst("(@[0-9]+)?\\.bin$", "");
                Case c = Objects.requireNonNull(byName.get(name), () -> "the message of " + file + " is gone");
                Message read = Codec.of(prototype(c.type)).decode(Files.readAllBytes(file));
                assertThat(read.getUnknownFields().asMap()).isEmpty();
            }
        }
    }

    @Test
    void everyFieldIsSetInSomeGolden() {
        Map<String, Integer> unset = new TreeMap<>();
        for (Descriptor type : Altiplano.getDescriptor().getMessageTypes()) {
            type.getFields().forEach(f -> unset.put(f.getFullName(), 1));
        }
        cases().forEach(c -> c.message.getAllFields().keySet().forEach(f -> unset.remove(f.getFullName())));
        assertThat(unset).isEmpty();
    }

    @Test
    void aReaderKeepsWhatANewerWriterAdds() throws InvalidProtocolBufferException {
        // given: a field that this build does not know
        Case c = cases().filter(x -> x.name.equals("Usage")).findFirst().orElseThrow();
        byte[] old = golden(c);
        byte[] newer = new byte[old.length + 3];
        System.arraycopy(old, 0, newer, 0, old.length);
        newer[old.length] = (byte) (0xF8 | 0x00);
        newer[old.length + 1] = 0x06;
        newer[old.length + 2] = 0x2A;

        // when
        Message read = Codec.of(prototype(c.type)).decode(newer);

        // then: field 111, varint 42
        assertThat(read.getAllFields()).hasSize(c.type.getFields().size());
        assertThat(read.getUnknownFields().getField(111).getVarintList()).containsExactly(42L);
    }
}
