package io.altiplano.worker.agent;

import io.altiplano.contracts.DeadLetters;
import io.altiplano.contracts.Topics;
import io.altiplano.contracts.v1.CancelAttempt;
import io.altiplano.contracts.v1.DeadLetterReason;
import io.altiplano.contracts.v1.Grant;
import io.altiplano.contracts.v1.WorkRecord;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.errors.SerializationException;

/**
 * What comes on one boot's work partition. A record for another boot is ignored, and so is a grant that was seen before; one that
 * cannot be taken is buried as a dead letter and skipped. For one thread.
 */
final class WorkRecords {
    private static final int REMEMBERED_GRANTS = 100_000;

    private final String bootId;
    private final Outbox outbox;
    private final AgentLog log;
    private final Clock clock;
    private final Consumer<Grant> granted;
    private final Consumer<CancelAttempt> cancelled;
    /** The latest grants, oldest first; repetitions come soon after, from a scheduler that replays. */
    private final Set<String> seen = Collections.newSetFromMap(new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
            return size() > REMEMBERED_GRANTS;
        }
    });

    /**
     * @param granted takes a grant that is for this boot and new
     * @param cancelled takes the end of an attempt, known to this boot or not
     */
    WorkRecords(
            String bootId,
            Outbox outbox,
            AgentLog log,
            Clock clock,
            Consumer<Grant> granted,
            Consumer<CancelAttempt> cancelled) {
        this.bootId = bootId;
        this.outbox = outbox;
        this.log = log;
        this.clock = clock;
        this.granted = granted;
        this.cancelled = cancelled;
    }

    /** Takes a record; whatever is wrong with it, the next one can be taken. */
    void take(ConsumerRecord<String, byte[]> found) {
        WorkRecord work;
        try {
            work = Topics.WORK.decode(found.value() == null ? new byte[0] : found.value());
        } catch (SerializationException e) {
            bury(found, DeadLetterReason.DEAD_LETTER_REASON_UNREADABLE, String.valueOf(e.getMessage()));
            return;
        }
        try {
            take(work, found);
        } catch (RuntimeException e) {
            bury(found, DeadLetterReason.DEAD_LETTER_REASON_HANDLER_FAILED, e.toString());
        }
    }

    private void take(WorkRecord work, ConsumerRecord<String, byte[]> found) {
        if (!work.getBootId().equals(bootId)) {
            log.info("stale_boot_ignored", "at=" + where(found) + " meant_for=" + work.getBootId());
            return;
        }
        switch (work.getBodyCase()) {
            case GRANT -> grant(work.getGrant());
            case CANCEL -> cancelled.accept(work.getCancel());
            case BODY_NOT_SET -> bury(found, DeadLetterReason.DEAD_LETTER_REASON_UNKNOWN_KIND, "no known body");
        }
    }

    private void grant(Grant grant) {
        if (seen.add(grant.getJobId() + "/" + grant.getEpoch())) {
            granted.accept(grant);
        } else {
            log.info("repeated_grant_ignored", grant.getJobId(), grant.getEpoch(), "");
        }
    }

    /** The work that a poison grant held is given elsewhere when its lease is silent for a term. */
    private void bury(ConsumerRecord<String, byte[]> found, DeadLetterReason reason, String why) {
        log.warn("poison_record", "at=" + where(found) + " error=" + why);
        outbox.bury(
                DeadLetters.buried(
                        "worker", found.topic(), found.partition(), found.offset(), reason, why, clock.millis()),
                error -> {
                    if (error != null) {
                        log.warn(
                                "send_failed",
                                "record=dead_letter at=" + where(found) + " error=" + error.getMessage());
                    }
                });
    }

    private static String where(ConsumerRecord<String, byte[]> found) {
        return found.topic() + "-" + found.partition() + "@" + found.offset();
    }
}
