package io.altiplano.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.altiplano.contracts.v1.JobRecord;
import io.altiplano.contracts.v1.LeaseExpired;
import java.util.Arrays;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.apache.kafka.common.errors.SerializationException;

class CodecTest {
    private static final JobRecord RECORD = JobRecord.newBuilder()
            .setExpired(LeaseExpired.newBuilder().setJobId("j").setEpoch(2).setReason("silent"))
            .build();

    @Example
    void aRecordIsItsVersionThenItsMessage() {
        byte[] bytes = Topics.JOB.encode(RECORD);

        assertThat(bytes[0]).isEqualTo(Codec.VERSION);
        assertThat(bytes).hasSize(1 + RECORD.getSerializedSize());
        assertThat(Topics.JOB.decode(bytes)).isEqualTo(RECORD);
    }

    @Property(tries = 255)
    void anyOtherVersionIsRefusedByName(@ForAll byte version) {
        byte[] bytes = Topics.JOB.encode(RECORD);
        bytes[0] = version;
        if (version != Codec.VERSION) {
            assertThatThrownBy(() -> Topics.JOB.decode(bytes))
                    .isInstanceOf(SerializationException.class)
                    .hasMessageContaining("codec version " + version)
                    .hasMessageContaining("JobRecord");
        }
    }

    @Example
    void anEmptyRecordIsRefused() {
        assertThatThrownBy(() -> Topics.JOB.decode(new byte[0]))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining("empty");
    }

    @Example
    void aCutRecordIsRefused() {
        byte[] whole = Topics.JOB.encode(RECORD);
        byte[] cut = Arrays.copyOf(whole, whole.length - 3);

        assertThatThrownBy(() -> Topics.JOB.decode(cut))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining("not a JobRecord");
    }

    @Property
    void garbageIsEitherReadOrRefusedAndNothingElse(@ForAll byte[] garbage) {
        Throwable thrown = catchThrowable(() -> Topics.SUBMISSION.decode(garbage));
        assertThat(thrown == null || thrown instanceof SerializationException).isTrue();
    }

    @Example
    void nothingAtAllIsRefusedLikeGarbage() {
        assertThatThrownBy(() -> Topics.REPLY.decode(null))
                .isInstanceOf(SerializationException.class)
                .hasMessageContaining("ReplyRecord");
    }

    @Example
    void aTombstoneStaysOne() {
        assertThat(Topics.JOB.serde().deserializer().deserialize("jobs", null)).isNull();
        assertThat(Topics.JOB.serde().serializer().serialize("jobs", null)).isNull();
    }
}
