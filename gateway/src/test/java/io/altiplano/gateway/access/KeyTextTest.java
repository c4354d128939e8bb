package io.altiplano.gateway.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class KeyTextTest {
    private final SecureRandom random = new SecureRandom();

    @Test
    void aNewKeyIsReadBackWithItsPrefix() {
        KeyText key = KeyText.create(random, "live");

        var read = KeyText.parse(key.secretText(), "live");

        assertThat(key.secretText()).matches("alt_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}");
        assertThat(read).map(KeyText::prefix).contains(key.prefix());
    }

    @Test
    void theCheckIsZlibsCrc32InBase62AndAKeyFromBeforeThereWereEnvironmentsIsRead() {
        var read = KeyText.parse("alt_abcdEFGH_0123456789ABCDEFGHIJKLMNOPQRSTUV" + "3XwaZ4", "live");

        assertThat(read).map(KeyText::prefix).contains("abcdEFGH");
    }

    @Property
    void oneWrongCharacterIsNoKey(
            @ForAll @IntRange(min = 0, max = 55) int at, @ForAll @CharRange(from = '0', to = 'z') char wrong) {
        String key = KeyText.create(random, "live").secretText();
        char[] changed = key.toCharArray();
        boolean different = changed[at] != wrong;
        changed[at] = wrong;

        var read = KeyText.parse(new String(changed), "live");

        assertThat(read.isPresent()).isEqualTo(!different);
    }

    @Test
    void aKeyOfAnotherEnvironmentIsNoKeyHere() {
        String key = KeyText.create(random, "test").secretText();

        var there = KeyText.parse(key, "test");
        var here = KeyText.parse(key, "live");

        assertThat(there).isPresent();
        assertThat(here).isEmpty();
    }

    @Test
    void theSecretIsNotInItsStringForm() {
        KeyText key = KeyText.create(random, "live");

        String shown = "key " + key;

        assertThat(shown).contains(key.prefix()).doesNotContain(key.secretText().substring(18));
    }
}
