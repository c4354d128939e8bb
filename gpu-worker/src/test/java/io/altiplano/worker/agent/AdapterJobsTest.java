package io.altiplano.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.Sampling;
import io.altiplano.contracts.v1.Usage;
import io.altiplano.worker.TinyModels;
import io.altiplano.worker.engine.AdapterStore;
import io.altiplano.worker.engine.Ending;
import io.altiplano.worker.engine.EngineOptions;
import io.altiplano.worker.engine.ModelStore;
import io.altiplano.worker.engine.ModelUnavailableException;
import io.altiplano.worker.engine.Progress;
import io.altiplano.worker.engine.ServedModel;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a submission with an adapter and prefix hashes to the usage that is reported: without a broker. */
class AdapterJobsTest {
    @TempDir
    Path root;

    @Test
    void aJobGoesThroughItsAdapterAndItsTenantsKeysAndValues() throws Exception {
        TinyModels.write(root.resolve("tiny"));
        copy("good");
        Files.createDirectories(root.resolve("corrupt"));
        Files.write(root.resolve("corrupt/adapter_model.safetensors"), new byte[50]);
        try (ModelStore models = new ModelStore(root, TinyModels.options(), new EngineOptions(4, 64, 64))) {
            ServedModel model = models.get("tiny");
            try (AdapterStore.Lease good = model.adapters().acquire("good")) {
                JobSubmitted job = job("acme", "prefix").build();

                // when, then: a corrupt adapter is its own job's misfortune
                assertThatThrownBy(() -> model.adapters().acquire("corrupt"))
                        .isInstanceOf(ModelUnavailableException.class);
                Usage first = run(model, job, good);
                Usage again = run(model, job, good);
                assertThat(first.getCachedTokens()).isZero();
                assertThat(again.getCachedTokens()).isEqualTo(32);
                assertThat(again.getPromptTokens()).isEqualTo(40);
                assertThat(again.getCompletionTokens()).isEqualTo(6);

                // and nobody else's: without the adapter, of another tenant, with another secret salt, or with none
                assertThat(run(model, job, null).getCachedTokens()).isZero();
                assertThat(run(model, job("edge", "prefix").build(), good).getCachedTokens())
                        .isZero();
                assertThat(run(model, job("acme", "other").build(), good).getCachedTokens())
                        .isZero();
                assertThat(run(model, job.toBuilder().clearPrefixHashes().build(), good)
                                .getCachedTokens())
                        .isZero();
            }
        }
    }

    private static Usage run(ServedModel model, JobSubmitted job, AdapterStore.@Nullable Lease lease)
            throws InterruptedException {
        LinkedBlockingQueue<Progress> progress = new LinkedBlockingQueue<>();
        model.engine()
                .submit(
                        Requests.of(job, JobRelayed.getDefaultInstance(), lease == null ? null : lease.adapter()),
                        progress::add);
        while (true) {
            Ending ending = Objects.requireNonNull(progress.poll(60, TimeUnit.SECONDS), "progress within a minute")
                    .ending();
            if (ending != null) {
                return ReplyStream.usage(ending);
            }
        }
    }

    private static JobSubmitted.Builder job(String tenant, String firstHash) {
        JobSubmitted.Builder job = JobSubmitted.newBuilder()
                .setTenantId(tenant)
                .setSampling(Sampling.newBuilder().setTopP(1).setMaxTokens(6).setMinTokens(6))
                .addPrefixHashes(ByteString.copyFromUtf8(firstHash));
        for (int i = 0; i < 40; i++) {
            job.addPromptTokens(40 + i);
        }
        return job;
    }

    private void copy(String id) throws IOException, URISyntaxException {
        Path from = Path.of(
                Objects.requireNonNull(AdapterJobsTest.class.getResource("/checkpoints/tied-llama3/adapters/r8-all"))
                        .toURI());
        Files.createDirectories(root.resolve(id));
        for (String file : new String[] {"adapter_config.json", "adapter_model.safetensors"}) {
            Files.copy(from.resolve(file), root.resolve(id).resolve(file));
        }
    }
}
