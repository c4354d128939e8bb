package io.altiplano.licensing;

import java.time.YearMonth;

/**
 * One clause of a licence as data. The engine has one rule for each kind; a licence is a list of clauses, so that a new licence is
 * new data. {@link Unknown} stands for a clause that nobody has taught the engine: it denies every use.
 *
 * <p>Each clause carries its number in the licence's own text, such as {@code "1.b.i"}, for reasons and duties to cite.
 */
public sealed interface Clause {
    /** The clause's number in the licence's text. */
    String number();

    /** What sets off the naming rule. */
    enum Trigger {
        /** A model made from the materials. */
        MATERIALS,
        /** A model made from the materials, or from what they put out. */
        MATERIALS_OR_OUTPUTS
    }

    /**
     * Nobody whose products and services, with those of its affiliates, had more than the threshold of monthly active users in the
     * measured month has any right, until the licensor expressly grants it.
     *
     * @param month the calendar month before the version's release date
     * @param threshold the largest sum that passes, in users
     */
    record MonthlyActiveUsers(String number, YearMonth month, long threshold) implements Clause {}

    /** Whoever received the materials inside an integrated end-user product is not bound by {@link MonthlyActiveUsers}. */
    record IntegratedProduct(String number) implements Clause {}

    /** Whoever makes the materials available hands over a copy of the agreement. */
    record AgreementCopy(String number) implements Clause {}

    /**
     * Whoever makes the materials, or a product that contains them, available displays a text prominently.
     *
     * @param text the text to display
     */
    record Display(String number, String text) implements Clause {}

    /**
     * A distributed model made with the materials has a name that begins so.
     *
     * @param prefix how the name begins
     * @param trigger what counts as made with the materials
     */
    record NamePrefix(String number, String prefix, Trigger trigger) implements Clause {}

    /**
     * Copies of the materials carry a text file "Notice".
     *
     * @param text what the file says
     */
    record Notice(String number, String text) implements Clause {}

    /** The acceptable use policy is part of the agreement: it must be accepted, and kept. */
    record AcceptableUse(String number) implements Clause {}

    /** Neither the materials nor their outputs may improve a language model that does not derive from them. */
    record NoImprovingOthers(String number) implements Clause {}

    /** Whoever sues, claiming that the materials or outputs infringe its rights, loses the licence on the filing date. */
    record EndsByLitigation(String number) implements Clause {}

    /** The licensor may terminate; then use ceases and copies are deleted. */
    record EndsByTermination(String number) implements Clause {}

    /** No rights in the multimodal models for whoever is domiciled, or has its principal place of business, in the European Union. */
    record EuMultimodalCarveOut(String number) implements Clause {}

    /**
     * A clause that the engine has no rule for.
     *
     * @param about what the clause is about, for the reason's message
     */
    record Unknown(String number, String about) implements Clause {}
}
