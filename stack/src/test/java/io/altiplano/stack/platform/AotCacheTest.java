package io.altiplano.stack.platform;

import static org.assertj.core.api.Assertions.assertThat;

import io.altiplano.stack.infra.JavaCommand;
import io.altiplano.stack.infra.ManagedProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AotCacheTest {
    /** What stands for a service. */
    static final class Service {
        private Service() {}

        public static void main(String[] args) throws InterruptedException {
            System.out.println("served");
            if (args.length > 0) {
                Thread.currentThread().join();
            }
        }
    }

    private static final List<String> JVM = List.of("-XX:+UseSerialGC");

    @TempDir
    private Path app;

    @BeforeEach
    void built() throws IOException {
        build("1");
    }

    private void build(String version) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Service.class.getName());
        manifest.getMainAttributes().put(Attributes.Name.IMPLEMENTATION_VERSION, version);
        String entry = Service.class.getName().replace('.', '/') + ".class";
        try (OutputStream file = Files.newOutputStream(app.resolve("quarkus-run.jar"));
                JarOutputStream jar = new JarOutputStream(file, manifest);
                InputStream bytes =
                        Objects.requireNonNull(getClass().getClassLoader().getResourceAsStream(entry))) {
            jar.putNextEntry(new ZipEntry(entry));
            bytes.transferTo(jar);
        }
    }

    private ManagedProcess.Spec spec(boolean record) {
        List<String> command = new ArrayList<>(List.of(JavaCommand.java()));
        command.addAll(AotCache.of(app).options("service", JVM, record));
        command.addAll(JVM);
        command.addAll(List.of("-jar", Apps.jar(app)));
        return ManagedProcess.Spec.of("service", command, Map.of());
    }

    /** What it prints, with a line for each class that it loads. */
    private static String run(ManagedProcess.Spec spec) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(spec.command());
        command.add(1, "-Xlog:class+load");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isZero();
        return said;
    }

    private void learned() throws IOException, InterruptedException {
        ManagedProcess.Spec first = spec(true);
        assertThat(run(first)).contains("served");
        assertThat(AotCache.assemble(app, first)).isTrue();
    }

    private static String loaded(String source) {
        return Service.class.getName() + " source: " + source;
    }

    @Test
    void aSecondStartTakesItsClassesFromWhatTheFirstLeft() throws Exception {
        // given
        assertThat(run(spec(false))).contains("served").contains(loaded("file:"));
        learned();

        // when
        String said = run(spec(true));

        // then
        assertThat(said).contains("served").contains(loaded("shared objects file"));
        assertThat(AotCache.assemble(app, spec(true))).isFalse();
        assertThat(run(AotCache.without(spec(true)))).contains("served").contains(loaded("file:"));
    }

    @Test
    void aCacheOfAnotherBuildIsNotUsedAndStopsNobody() throws Exception {
        // given
        learned();
        build("another one");

        // when
        String said = run(spec(true));

        // then
        assertThat(said).contains("served").contains(loaded("file:"));
    }

    @Test
    void aBrokenCacheStopsNobodyAndIsMadeAnew() throws Exception {
        // given one that breaks after it was looked at
        learned();
        ManagedProcess.Spec sound = spec(true);
        assertThat(AotCache.of(app).refusal(JVM)).isEmpty();
        try (var files = Files.newDirectoryStream(app, "*.aot")) {
            for (Path cache : files) {
                byte[] half = Files.readAllBytes(cache);
                Files.write(cache, Arrays.copyOf(half, half.length / 2));
            }
        }

        // when
        String said = run(sound);

        // then
        assertThat(said).contains("served").contains(loaded("file:")).doesNotContain("[aot");
        assertThat(AotCache.of(app).refusal(JVM)).contains("The AOT cache has been truncated.");
        learned();
        assertThat(run(spec(true))).contains(loaded("shared objects file"));
    }

    @Test
    void aRunThatIsKilledLeavesNoRecordOfTheRunBefore() throws Exception {
        // given
        ManagedProcess.Spec first = spec(true);
        run(first);
        List<String> staying = new ArrayList<>(first.command());
        staying.add("stay");
        Process killed = new ProcessBuilder(staying).start();
        assertThat(killed.inputReader().readLine()).isEqualTo("served");

        // when
        killed.destroyForcibly().waitFor();

        // then
        assertThat(AotCache.assemble(app, first)).isFalse();
        learned();
    }

    @Test
    void aRecordThatNoCacheCanBeMadeOfIsGivenUp() throws Exception {
        // given
        ManagedProcess.Spec first = spec(true);
        run(first);
        try (var files = Files.newDirectoryStream(app, "*.aotconf")) {
            for (Path recorded : files) {
                Files.writeString(recorded, "half a record");
            }
        }

        // when
        boolean made = AotCache.assemble(app, first);

        // then
        assertThat(made).isFalse();
        try (var left = Files.list(app)) {
            assertThat(left).containsExactly(app.resolve("quarkus-run.jar"));
        }
        assertThat(run(spec(true))).contains("served");
    }
}
