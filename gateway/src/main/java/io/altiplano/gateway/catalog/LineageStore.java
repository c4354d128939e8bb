package io.altiplano.gateway.catalog;

import io.altiplano.licensing.Model;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Models with what they were made from, and the texts that came with them. */
final class LineageStore {
    /** UNION and not UNION ALL: a circle ends. */
    private static final String ANCESTORS = """
            WITH RECURSIVE ancestor (id, depth) AS (
                SELECT :id, 0
                UNION
                SELECT m.base_model, a.depth + 1 FROM ancestor a JOIN model m ON m.id = a.id
                WHERE m.base_model IS NOT NULL AND a.depth < 100)
            """;

    private LineageStore() {}

    /** The model and its ancestors so far as the handle sees them, by id; empty where there is no such model. */
    static List<Model> lineage(Handle handle, String id) {
        return handle.createQuery(ANCESTORS + """
                        SELECT DISTINCT m.id, m.licence, m.base_model FROM ancestor a JOIN model m ON m.id = a.id
                        ORDER BY m.id""")
                .bind("id", id)
                .map((rs, ctx) -> model(rs))
                .list();
    }

    private static Model model(ResultSet rs) throws SQLException {
        @Nullable String base = rs.getString("base_model");
        String id = rs.getString("id");
        List<Model.Parent> parents = base == null ? List.of() : List.of(new Model.Parent(base, Model.Relation.WEIGHTS));
        return new Model(id, id, Set.of(rs.getString("licence")), parents, false);
    }

    /**
     * The text in a column of the model or else of the nearest model that it was made from.
     *
     * @param column licence_sha256 or use_policy_sha256
     */
    static Optional<ModelTexts.Text> text(Handle handle, String id, String column) {
        return handle.createQuery(
                        ANCESTORS + "SELECT m.id, t.sha256, t.text FROM ancestor a JOIN model m ON m.id = a.id"
                                + " JOIN licence_text t ON t.sha256 = m." + column + " ORDER BY a.depth LIMIT 1")
                .bind("id", id)
                .map((rs, ctx) -> new ModelTexts.Text(rs.getString("id"), rs.getString("sha256"), rs.getString("text")))
                .findOne();
    }

    /** Keeps a text by its hash. */
    static void keep(Handle operator, String sha256, String text) {
        operator.createUpdate("INSERT INTO licence_text (sha256, text) VALUES (:sha256, :text) ON CONFLICT DO NOTHING")
                .bind("sha256", sha256)
                .bind("text", text)
                .execute();
    }
}
