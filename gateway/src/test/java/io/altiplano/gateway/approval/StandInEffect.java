package io.altiplano.gateway.approval;

import io.altiplano.gateway.web.CurrentPerson.Person;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jdbi.v3.core.Handle;

/** A kind of record that only tests have: its content is set by them, and what was decided is noted. */
@ApplicationScoped
class StandInEffect implements ApprovalEffect {
    static final String KIND = "STAND_IN";

    private final Map<String, String> contents = new ConcurrentHashMap<>();
    private final List<String> done = new CopyOnWriteArrayList<>();

    void content(String record, String content) {
        contents.put(record, hash(content));
    }

    static String hash(String content) {
        return ContentHash.of(KIND).field(content).hex();
    }

    List<String> done() {
        return done;
    }

    @Override
    public String kind() {
        return KIND;
    }

    @Override
    public String currentContent(Handle operator, Approval approval) {
        return contents.getOrDefault(approval.subjectId(), "");
    }

    @Override
    public void approved(Handle operator, Approval approval, Person approver) {
        done.add("approved " + approval.subjectId() + " by " + approver.name());
    }

    @Override
    public void rejected(Handle operator, Approval approval, Person person, String reason) {
        done.add("rejected " + approval.subjectId() + " by " + person.name() + ": " + reason);
    }
}
