package io.altiplano.scheduler.simulation;

import io.altiplano.contracts.v1.GatewayLost;
import io.altiplano.contracts.v1.JobCancelled;
import io.altiplano.contracts.v1.JobFinished;
import io.altiplano.contracts.v1.JobRelayed;
import io.altiplano.contracts.v1.JobSubmitted;
import io.altiplano.contracts.v1.NoticeRecord;
import io.altiplano.contracts.v1.SubmissionRecord;
import io.altiplano.scheduler.Samples;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** All clients and the gateway between. It relays tokens, fences epochs, answers Retrying, cancels, and may be deaf or gone. */
final class SimGateway {
    private final World world;
    private final Topics topics;
    private final World.Wire wire;
    private final Map<String, Client> clients = new LinkedHashMap<>();
    private int noticeOffset;
    private long deafUntil;

    /** One job as its client sees it. */
    static final class Client {
        final JobSubmitted job;
        int fence = 1;
        int received;
        boolean whole;
        String by = "";
        boolean cancelled;
        int receivedAtCancel;
        /** The gateway that served it has died. */
        boolean gone;

        @Nullable
        JobFinished told;

        Client(JobSubmitted job) {
            this.job = job;
        }

        int target() {
            return job.getSampling().getMaxTokens();
        }
    }

    SimGateway(World world, Topics topics) {
        this.world = world;
        this.topics = topics;
        this.wire = world.new Wire();
        readNotices();
    }

    Collection<Client> clients() {
        return clients.values();
    }

    void submit(JobSubmitted job) {
        clients.put(job.getJobId(), new Client(job));
        send(SubmissionRecord.newBuilder().setSubmitted(job).build());
        if (world.chance(0.15)) {
            world.count("submitted twice");
            world.after(
                    world.between(1, 6_000),
                    () -> send(SubmissionRecord.newBuilder().setSubmitted(job).build()));
        }
    }

    /** Jobs that reach the log at one moment. */
    void submitAtOnce(JobSubmitted job) {
        clients.put(job.getJobId(), new Client(job));
        topics.submissions()
                .append(SubmissionRecord.newBuilder().setSubmitted(job).build());
    }

    void send(SubmissionRecord record) {
        wire.send(topics.submissions(), record, 30);
    }

    void cancel(String id) {
        Client c = clients.get(id);
        if (c == null || c.gone || c.whole || c.cancelled) {
            return;
        }
        c.cancelled = true;
        c.receivedAtCancel = c.received;
        send(SubmissionRecord.newBuilder()
                .setCancelled(JobCancelled.newBuilder()
                        .setJobId(id)
                        .setRelayedTokens(c.received)
                        .setPromptTokens(c.job.getPromptTokensCount())
                        .setReason("client closed"))
                .build());
    }

    /** The gateway that serves this client dies; mostly the others notice, after a while. */
    void lose(String id) {
        Client c = clients.get(id);
        if (c == null) {
            return;
        }
        world.count("gateway lost");
        c.gone = true;
        if (world.chance(0.9)) {
            world.after(
                    world.between(2_000, 8_000),
                    () -> send(SubmissionRecord.newBuilder()
                            .setGatewayLost(GatewayLost.newBuilder().setGateway(c.job.getGateway()))
                            .build()));
        }
    }

    /** Nothing reaches it for a while; then first all deltas do, and after them the scheduler's word. */
    boolean goDeaf() {
        if (deaf()) {
            return false;
        }
        world.count("gateway deaf");
        deafUntil = world.now() + world.between(1_000, 9_000);
        return true;
    }

    private boolean deaf() {
        return world.now() < deafUntil;
    }

    /** Tokens [from, upTo) of an answer, on their way for a while. */
    void delta(String id, int epoch, int from, int upTo, boolean last, String by) {
        world.after(world.between(1, 3), () -> heard(() -> take(id, epoch, from, upTo, last, by)));
    }

    private void heard(Runnable what) {
        if (deaf()) {
            world.after(deafUntil - world.now(), what);
        } else {
            what.run();
        }
    }

    private void take(String id, int epoch, int from, int upTo, boolean last, String by) {
        Client c = clients.get(id);
        if (c == null || c.gone || c.cancelled || epoch < c.fence || from > c.received) {
            return;
        }
        c.received = Math.max(c.received, upTo);
        if (last) {
            c.whole = true;
            c.by = by;
        }
    }

    private void readNotices() {
        world.after(world.between(5, 25), () -> {
            for (; !deaf() && noticeOffset < topics.notices().end(); noticeOffset++) {
                notice(topics.notices().get(noticeOffset));
            }
            readNotices();
        });
    }

    private void notice(NoticeRecord n) {
        Client c = clients.get(
                n.hasRetrying() ? n.getRetrying().getJobId() : n.getFinished().getJobId());
        if (c == null || c.gone) {
            return;
        }
        if (n.hasFinished()) {
            c.told = n.getFinished();
            return;
        }
        c.fence = Math.max(c.fence, n.getRetrying().getEpoch());
        JobRelayed.Builder answer = JobRelayed.newBuilder()
                .setJobId(c.job.getJobId())
                .setEpoch(n.getRetrying().getEpoch())
                .setComplete(c.whole);
        for (int i = 0; i < c.received; i++) {
            answer.addRelayedTokens(i);
        }
        if (c.whole) {
            answer.setUsage(Samples.usage(c.job.getPromptTokensCount(), c.received))
                    .setFinishReason(c.by);
        }
        send(SubmissionRecord.newBuilder().setRelayed(answer).build());
    }
}
