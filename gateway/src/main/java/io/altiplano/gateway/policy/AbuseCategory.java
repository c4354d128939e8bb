package io.altiplano.gateway.policy;

/** What is misused, after the groups and themes of Llama's acceptable use policy. */
public enum AbuseCategory {
    // Breaking the law or others' rights.
    VIOLENCE_OR_TERRORISM,
    CHILD_EXPLOITATION,
    TRAFFICKING_OR_SEXUAL_VIOLENCE,
    MATERIAL_HARMFUL_TO_MINORS,
    SEXUAL_SOLICITATION,
    OTHER_CRIME,
    HARASSMENT,
    DISCRIMINATION,
    UNLICENSED_PROFESSION,
    PERSONAL_DATA,
    INFRINGEMENT,
    MALICIOUS_CODE,
    CIRCUMVENTION,
    // Risk of death or bodily harm.
    MILITARY_OR_WEAPONS,
    ILLEGAL_WEAPONS_OR_DRUGS,
    CRITICAL_INFRASTRUCTURE,
    SELF_HARM,
    INCITEMENT,
    // Deceiving or misleading.
    FRAUD_OR_DISINFORMATION,
    DEFAMATION,
    SPAM,
    IMPERSONATION,
    OUTPUT_PASSED_OFF_AS_HUMAN,
    FAKE_ENGAGEMENT,
    // Failing to disclose known dangers.
    UNDISCLOSED_DANGER,
    /** What the description says. */
    OTHER
}
