package io.altiplano.gateway.licence;

/**
 * A right that ended.
 *
 * @param seq number of its row
 * @param epoch the licence epoch that began with its end: work permitted below it ends
 * @param message why, for the client
 * @param published whether the scheduler was told
 */
record Withdrawal(long seq, Question question, long epoch, String message, boolean published) {}
