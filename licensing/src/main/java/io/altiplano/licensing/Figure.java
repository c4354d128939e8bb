package io.altiplano.licensing;

/**
 * One line of an attestation: the monthly active users of a product, or of an affiliate's products together.
 *
 * @param kind whose users they are
 * @param name the product's or affiliate's name
 * @param monthlyActiveUsers users in the attestation's month, at least 0
 */
public record Figure(Kind kind, String name, long monthlyActiveUsers) {
    /** Whose users a figure counts. */
    public enum Kind {
        /** A product or service made available by or for the licensee. */
        PRODUCT,
        /** All products and services of an affiliate. */
        AFFILIATE
    }

    /** Refuses a blank name and a negative count. */
    public Figure {
        Checks.text("name of the product or affiliate", name);
        if (monthlyActiveUsers < 0) {
            throw new IllegalArgumentException(
                    "monthly active users of " + name + " are " + monthlyActiveUsers + ", give 0 or more");
        }
    }

    /** A product's figure. */
    public static Figure product(String name, long monthlyActiveUsers) {
        return new Figure(Kind.PRODUCT, name, monthlyActiveUsers);
    }

    /** An affiliate's figure. */
    public static Figure affiliate(String name, long monthlyActiveUsers) {
        return new Figure(Kind.AFFILIATE, name, monthlyActiveUsers);
    }
}
