package io.altiplano.helm;

import static io.altiplano.helm.Manifests.claim;
import static io.altiplano.helm.Manifests.containers;
import static io.altiplano.helm.Manifests.env;
import static io.altiplano.helm.Manifests.field;
import static io.altiplano.helm.Manifests.named;
import static io.altiplano.helm.Manifests.only;
import static io.altiplano.helm.Manifests.path;
import static io.altiplano.helm.Manifests.pods;
import static io.altiplano.helm.Manifests.secrets;
import static io.altiplano.helm.Manifests.services;
import static io.altiplano.helm.Manifests.values;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.LintResult;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.StatefulSet;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.Ingress;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the chart makes of its values. */
class ChartTest {
    private static final Map<String, String> DEFAULTS = Map.of();

    /** Two pools, the ingress, a prefix, an own claim and a digest: everything optional is on. */
    static final Map<String, String> FULL = Map.ofEntries(
            Map.entry("kafka.topicsPrefix", "t1-"),
            // Helm lists hooks apart, and the library does not show them.
            Map.entry("topics.hook", "false"),
            Map.entry("images.registry", "registry.example.org/"),
            Map.entry("images.pullSecrets[0]", "pull"),
            Map.entry("images.worker.digest", "sha256:" + "a".repeat(64)),
            Map.entry("gateway.ingress.enabled", "true"),
            Map.entry("gateway.ingress.className", "nginx"),
            Map.entry("gateway.ingress.host", "api.example.org"),
            Map.entry("gateway.ingress.tlsSecret", "api-tls"),
            Map.entry("gateway.nodeSelector.zone", "a"),
            Map.entry("gateway.tolerations[0].operator", "Exists"),
            Map.entry("scheduler.replicas", "1"),
            Map.entry("pools[0].name", "chat"),
            Map.entry("pools[0].replicas", "16"),
            Map.entry("pools[0].tp", "8"),
            Map.entry("pools[0].weights", "fp8-ffn"),
            Map.entry("pools[0].kvBlocks", "4096"),
            Map.entry("pools[0].models.existingClaim", "models-chat"),
            Map.entry("pools[0].resources.requests.cpu", "8"),
            Map.entry("pools[0].resources.requests.memory", "64Gi"),
            Map.entry("pools[0].resources.limits.cpu", "16"),
            Map.entry("pools[0].resources.limits.memory", "64Gi"),
            Map.entry("pools[1].name", "tune"),
            Map.entry("pools[1].replicas", "1"),
            Map.entry("pools[1].tp", "1"),
            Map.entry("pools[1].weights", "bf16"),
            Map.entry("pools[1].resources.requests.cpu", "1"),
            Map.entry("pools[1].resources.requests.memory", "8Gi"),
            Map.entry("pools[1].resources.limits.cpu", "1"),
            Map.entry("pools[1].resources.limits.memory", "8Gi"));

    @Test
    void passesHelmsStrictLint() {
        LintResult result = Chart.lint();

        assertThat(result.isFailed())
                .as(String.join("\n", result.getMessages()))
                .isFalse();
    }

    @Test
    void defaultsRenderEveryPart() {
        Map<String, Long> kinds = Chart.objects(DEFAULTS).stream()
                .collect(Collectors.groupingBy(HasMetadata::getKind, TreeMap::new, Collectors.counting()));

        assertThat(kinds)
                .isEqualTo(new TreeMap<>(Map.of(
                        "ConfigMap", 1L,
                        "Deployment", 1L,
                        "PodDisruptionBudget", 3L,
                        "Service", 3L,
                        "ServiceAccount", 3L,
                        "StatefulSet", 2L)));
    }

    @Test
    void aMisspeltFieldIsFoundAtAnyDepth() {
        String good = Chart.render(DEFAULTS);
        String bad = good.replace("terminationGracePeriodSeconds: 120", "terminationGracePeriodSecond: 120");
        String worse = good.replaceFirst("failureThreshold: 150", "failureTreshold: 150");

        assertThatThrownBy(() -> StrictManifests.parse(bad))
                .hasMessageContaining("StatefulSet/test-altiplano-worker-default")
                .hasMessageContaining("terminationGracePeriodSecond");
        assertThatThrownBy(() -> StrictManifests.parse(worse)).hasMessageContaining("StartupProbe.failureTreshold");
        assertThatThrownBy(() -> StrictManifests.parse(good.replaceFirst("kind: Deployment", "kind: Deploiment")))
                .hasMessageContaining("no known kind of object");
    }

    @Test
    void aPoolIsAStatefulSetWithItsOwnHeadlessService() {
        List<HasMetadata> objects = Chart.objects(FULL);

        List<StatefulSet> pools = Chart.of(objects, StatefulSet.class)
                .filter(s -> s.getMetadata().getLabels().containsKey("altiplano.io/pool"))
                .toList();

        assertThat(pools)
                .extracting(s -> s.getMetadata().getName())
                .containsExactly("test-altiplano-worker-chat", "test-altiplano-worker-tune");
        for (StatefulSet pool : pools) {
            Service service = named(objects, Service.class, pool.getSpec().getServiceName());
            assertThat(service.getSpec().getClusterIP()).isEqualTo("None");
            assertThat(service.getSpec().getSelector())
                    .isEqualTo(pool.getSpec().getSelector().getMatchLabels());
            assertThat(pool.getSpec().getTemplate().getMetadata().getLabels())
                    .containsAllEntriesOf(pool.getSpec().getSelector().getMatchLabels());
        }
        assertThat(pools)
                .extracting(s -> s.getSpec().getReplicas() + " " + claim(s))
                .containsExactly("16 models-chat", "1 altiplano-models");
    }

    @Test
    void aWorkerKnowsItsPoolAndTakesItsOrdinalFromItsPodIndex() {
        StatefulSet pool = named(Chart.objects(FULL), StatefulSet.class, "test-altiplano-worker-chat");

        Map<String, EnvVar> env = env(only(pool));

        assertThat(field(env, "ALTIPLANO_WORKER_ORDINAL")).isEqualTo("metadata.labels['apps.kubernetes.io/pod-index']");
        assertThat(values(env))
                .containsEntry("ALTIPLANO_WORKER_POOL", "chat")
                .containsEntry("ALTIPLANO_WORKER_TP", "8")
                .containsEntry("ALTIPLANO_WORKER_LEASE_TERM", "PT5S")
                .containsEntry("ALTIPLANO_WORKER_DRAIN", "PT110S")
                .containsEntry("ALTIPLANO_WORKER_THREADS", "0")
                .containsEntry("ALTIPLANO_WORKER_WEIGHTS", "fp8-ffn")
                .containsEntry("ALTIPLANO_WORKER_CAPACITY", "16")
                .containsEntry("ALTIPLANO_WORKER_KV_BLOCKS", "4096");
        assertThat(only(pool).getImage())
                .isEqualTo("registry.example.org/altiplano/gpu-worker@sha256:" + "a".repeat(64));
        assertThat(only(pool).getCommand())
                .containsSubsequence("--add-modules", "jdk.incubator.vector", "-jar", "/app/quarkus-run.jar");
    }

    @Test
    void theGatewayIsGivenAllItsSettingsAndEverySecretByReference() {
        Deployment gateway = Chart.objects(Deployment.class, DEFAULTS).getFirst();

        Map<String, EnvVar> env = env(only(gateway));

        assertThat(values(env))
                .containsEntry("ALTIPLANO_DB_URL", "jdbc:postgresql://postgresql:5432/altiplano")
                .containsEntry("ALTIPLANO_DB_OWNER_USERNAME", "altiplano_owner")
                .containsEntry("ALTIPLANO_DB_TENANT_USERNAME", "app_tenant")
                .containsEntry("ALTIPLANO_OIDC_URL", "https://keycloak/realms/altiplano")
                .containsEntry("ALTIPLANO_CONSOLE_URL", "https://altiplano.example.org")
                .containsEntry("QUARKUS_HTTP_PORT", "8080")
                .containsEntry("ALTIPLANO_KEYS_ENV", "live")
                .containsEntry("ALTIPLANO_AUDIT_CHECKPOINTS", "/audit/checkpoints.jsonl")
                .containsEntry("ALTIPLANO_AUDIT_SIGNING_KEY", "/audit-key/signing.pem")
                .containsEntry("ALTIPLANO_JOB_DRAIN", "PT50S");
        assertThat(secrets(env))
                .isEqualTo(new TreeMap<>(Map.of(
                        "ALTIPLANO_DB_OWNER_PASSWORD", "altiplano-database/owner",
                        "ALTIPLANO_DB_TENANT_PASSWORD", "altiplano-database/tenant",
                        "ALTIPLANO_DB_AUTH_PASSWORD", "altiplano-database/auth",
                        "ALTIPLANO_DB_LEDGER_PASSWORD", "altiplano-database/ledger",
                        "ALTIPLANO_DB_OPERATOR_PASSWORD", "altiplano-database/operator",
                        "ALTIPLANO_KAFKA_USERNAME", "altiplano-kafka-gateway/username",
                        "ALTIPLANO_KAFKA_PASSWORD", "altiplano-kafka-gateway/password",
                        "ALTIPLANO_KEYS_PEPPER", "altiplano-keys/pepper")));
    }

    @Test
    void withoutCheckpointsTheGatewayNeedsNeitherTheirClaimNorTheirKey() {
        Deployment gateway = Chart.objects(Deployment.class, Map.of("audit.enabled", "false"))
                .getFirst();

        assertThat(env(only(gateway)).keySet()).noneMatch(name -> name.contains("AUDIT"));
        assertThat(gateway.getSpec().getTemplate().getSpec().getVolumes())
                .noneMatch(v -> v.getName().startsWith("audit"));
        assertThat(Chart.objects(Deployment.class, DEFAULTS)
                        .getFirst()
                        .getSpec()
                        .getTemplate()
                        .getSpec()
                        .getVolumes())
                .anyMatch(v -> v.getName().equals("audit-key") && v.getSecret().getDefaultMode() == 0440);
    }

    @Test
    void eachServiceIsItsOwnPrincipalToKafka() {
        List<HasMetadata> objects = Chart.objects(DEFAULTS);

        Set<String> principals = containers(objects)
                .map(c -> secrets(env(c)).get("ALTIPLANO_KAFKA_USERNAME"))
                .filter(s -> s != null)
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(principals)
                .containsExactly(
                        "altiplano-kafka-gateway/username",
                        "altiplano-kafka-scheduler/username",
                        "altiplano-kafka-worker/username");
    }

    @Test
    void allServicesShareTheConfigMap() {
        List<HasMetadata> objects = Chart.objects(FULL);

        ConfigMap config = Chart.of(objects, ConfigMap.class).findFirst().orElseThrow();

        assertThat(config.getData())
                .containsEntry("ALTIPLANO_KAFKA_BOOTSTRAP", "kafka:9093")
                .containsEntry("ALTIPLANO_KAFKA_SECURITY", "SASL_SSL")
                .containsEntry("ALTIPLANO_KAFKA_MECHANISM", "SCRAM-SHA-512")
                .containsEntry("ALTIPLANO_TOPICS_PREFIX", "t1-")
                .containsEntry("ALTIPLANO_MODELS_DIR", "/models")
                .containsEntry("QUARKUS_HTTP_HOST", "0.0.0.0");
        assertThat(services(objects))
                .allSatisfy(spec -> assertThat(spec.getContainers().getFirst().getEnvFrom())
                        .extracting(e -> e.getConfigMapRef().getName())
                        .containsExactly(config.getMetadata().getName()));
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "2, 1", "5, 1"})
    void aSchedulerOfSeveralReplicasKeepsAWarmCopy(int replicas, String standbys) {
        StatefulSet scheduler = named(
                Chart.objects(Map.of("scheduler.replicas", Integer.toString(replicas))),
                StatefulSet.class,
                "test-altiplano-scheduler");

        Map<String, EnvVar> env = env(only(scheduler));

        assertThat(values(env))
                .containsEntry("ALTIPLANO_SCHEDULER_STANDBYS", standbys)
                .containsEntry("ALTIPLANO_SCHEDULER_LEASE_TERM", "PT5S")
                .containsEntry("ALTIPLANO_SCHEDULER_STATE_DIR", "/state");
        assertThat(field(env, "ALTIPLANO_SCHEDULER_INSTANCE_ID")).isEqualTo("metadata.name");
    }

    @Test
    void everyServiceIsProbedAndBudgeted() {
        List<HasMetadata> objects = Chart.objects(FULL);

        assertThat(services(objects)).hasSize(4).allSatisfy(spec -> {
            Container container = spec.getContainers().getFirst();
            assertThat(path(container.getStartupProbe())).isEqualTo("/q/health/started");
            assertThat(path(container.getLivenessProbe())).isEqualTo("/q/health/live");
            assertThat(path(container.getReadinessProbe())).isEqualTo("/q/health/ready");
            assertThat(container.getPorts()).extracting(p -> p.getName()).containsExactly("http");
            assertThat(spec.getTerminationGracePeriodSeconds()).isPositive();
        });
        assertThat(Chart.of(objects, PodDisruptionBudget.class)
                        .map(b -> b.getMetadata().getName()))
                .containsExactlyInAnyOrder(
                        "test-altiplano-gateway",
                        "test-altiplano-scheduler",
                        "test-altiplano-worker-chat",
                        "test-altiplano-worker-tune");
    }

    @Test
    void everyContainerIsBoundedConfinedAndNamesItsVersion() {
        List<HasMetadata> objects = Chart.objects(FULL);

        assertThat(containers(objects).toList()).hasSize(5).allSatisfy(c -> {
            assertThat(c.getResources().getRequests()).containsKeys("cpu", "memory");
            assertThat(c.getResources().getLimits()).containsKeys("cpu", "memory");
            assertThat(c.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(c.getSecurityContext().getReadOnlyRootFilesystem()).isTrue();
            assertThat(c.getSecurityContext().getAllowPrivilegeEscalation()).isFalse();
            assertThat(c.getSecurityContext().getCapabilities().getDrop()).containsExactly("ALL");
            assertThat(c.getImage()).matches("registry\\.example\\.org/altiplano/.+(:0\\.1\\.0|@sha256:[0-9a-f]{64})");
            assertThat(c.getVolumeMounts())
                    .anySatisfy(m -> assertThat(m.getMountPath()).isEqualTo("/tmp"));
        });
        assertThat(pods(objects)).hasSize(5).allSatisfy(spec -> {
            assertThat(spec.getSecurityContext().getRunAsNonRoot()).isTrue();
            assertThat(spec.getSecurityContext().getRunAsUser()).isPositive();
            assertThat(spec.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
            assertThat(spec.getAutomountServiceAccountToken()).isFalse();
            assertThat(spec.getImagePullSecrets()).extracting(s -> s.getName()).containsExactly("pull");
        });
    }

    @Test
    void everyNamedAccountVolumeAndClaimIsThere() {
        List<HasMetadata> objects = Chart.objects(FULL);
        List<String> accounts = Chart.of(objects, ServiceAccount.class)
                .map(a -> a.getMetadata().getName())
                .toList();

        assertThat(services(objects)).allSatisfy(spec -> assertThat(accounts).contains(spec.getServiceAccountName()));
        assertThat(pods(objects)).allSatisfy(spec -> {
            List<String> volumes =
                    spec.getVolumes().stream().map(v -> v.getName()).toList();
            assertThat(spec.getContainers().getFirst().getVolumeMounts())
                    .allSatisfy(m -> assertThat(volumes).contains(m.getName()))
                    .hasSameSizeAs(volumes);
        });
    }

    @Test
    void theTopicsJobServesEveryPoolAndTheServicesPrefix() {
        Job job = Chart.objects(Job.class, FULL).getFirst();

        assertThat(job.getMetadata().getName()).isEqualTo("test-altiplano-topics-1");
        assertThat(job.getSpec().getTtlSecondsAfterFinished()).isPositive();
        assertThat(only(job.getSpec().getTemplate()).getCommand())
                .containsExactly(
                        "java",
                        "-cp",
                        "/app/*:/app/lib/*",
                        "io.altiplano.stack.infra.TopicsMain",
                        "--infra",
                        "/etc/altiplano/infra.properties",
                        "--prefix",
                        "t1-",
                        "--pool",
                        "chat",
                        "--pool",
                        "tune");
    }

    @Test
    void theTopicsJobCanBeLeftOut() {
        assertThat(Chart.objects(Job.class, Map.of("topics.enabled", "false", "topics.hook", "false")))
                .isEmpty();
    }

    @Test
    void theIngressServesTheTwoApisOverTls() {
        Ingress ingress = Chart.objects(Ingress.class, FULL).getFirst();

        assertThat(ingress.getSpec().getTls().getFirst().getSecretName()).isEqualTo("api-tls");
        assertThat(ingress.getSpec().getRules().getFirst().getHttp().getPaths())
                .extracting(p -> p.getPath() + " " + p.getBackend().getService().getName())
                .containsExactly("/v1 test-altiplano-gateway", "/admin/v1 test-altiplano-gateway");
    }

    @Test
    void noSecretIsMadeByTheChart() {
        assertThat(Chart.objects(Secret.class, FULL)).isEmpty();
    }
}
