package io.altiplano.worker.kernel;

/**
 * Where the rows of a batch stand, as attention sees them.
 *
 * @param rows rows in use of the arrays
 * @param positions absolute position of each row: it sees positions 0 to its own
 * @param sequence index of each row into {@code blockTables}
 * @param blockTables KV blocks of each sequence; block {@code j} holds positions {@code 16j..16j+15}
 */
public record AttentionRows(int rows, int[] positions, int[] sequence, int[][] blockTables) {}
