package io.altiplano.licensing;

import java.time.LocalDate;
import java.time.YearMonth;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * One version of a licence as data.
 *
 * @param id the id that catalog, facts and reasons use, such as {@code llama-3.1}
 * @param name the licence's name as its text has it
 * @param releaseDate the version release date that the licence names; a calendar day without a time zone, because the licence
 *     gives none, and nothing depends on its first hour: what is measured is the whole calendar month before it
 * @param clauses its clauses, in the order of its text
 */
public record LicenceVersion(String id, String name, LocalDate releaseDate, List<Clause> clauses) {
    /** Copies the list. */
    public LicenceVersion {
        Checks.text("licence id", id);
        Checks.text("licence name", name);
        clauses = List.copyOf(clauses);
    }

    /** The first clause of a kind. */
    public <C extends Clause> Optional<C> clause(Class<C> kind) {
        return clauses.stream().filter(kind::isInstance).map(kind::cast).findFirst();
    }

    /** The month whose users count under the monthly-active-users clause, if it has one. */
    public Optional<YearMonth> measuredMonth() {
        return clause(Clause.MonthlyActiveUsers.class).map(Clause.MonthlyActiveUsers::month);
    }

    /** The largest number of monthly active users that needs no grant. */
    public OptionalLong threshold() {
        return clause(Clause.MonthlyActiveUsers.class)
                .map(c -> OptionalLong.of(c.threshold()))
                .orElse(OptionalLong.empty());
    }

    /** The text to display. */
    public Optional<String> displayText() {
        return clause(Clause.Display.class).map(Clause.Display::text);
    }

    /** How the name of a distributed model made with the materials begins. */
    public Optional<String> namePrefix() {
        return clause(Clause.NamePrefix.class).map(Clause.NamePrefix::prefix);
    }

    /** What sets off the naming rule. */
    public Optional<Clause.Trigger> prefixTrigger() {
        return clause(Clause.NamePrefix.class).map(Clause.NamePrefix::trigger);
    }

    /** What the text file "Notice" says. */
    public Optional<String> noticeText() {
        return clause(Clause.Notice.class).map(Clause.Notice::text);
    }

    /** Whether the materials and their outputs may improve language models that do not derive from them. */
    public boolean improvingOthersAllowed() {
        return clause(Clause.NoImprovingOthers.class).isEmpty();
    }

    /** Whether multimodal models are withheld from the European Union. */
    public boolean euMultimodalCarveOut() {
        return clause(Clause.EuMultimodalCarveOut.class).isPresent();
    }
}
