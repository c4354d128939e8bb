package io.altiplano.gateway.catalog;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.StatementContext;

/** The table {@code model}. What a handle sees of it is row-level security's to say. */
final class CatalogStore {
    private static final String COLUMNS = "id, pool, licence, base_model, context_length, vocab_size, weights_sha256,"
            + " owner_tenant, created_at, state";

    private CatalogStore() {}

    static List<Model> list(Handle handle) {
        return handle.createQuery("SELECT " + COLUMNS + " FROM model ORDER BY created_at, id")
                .map(CatalogStore::model)
                .list();
    }

    static Optional<Model> find(Handle handle, String id) {
        return handle.createQuery("SELECT " + COLUMNS + " FROM model WHERE id = :id")
                .bind("id", id)
                .map(CatalogStore::model)
                .findOne();
    }

    /** Inserts it with the hashes of the texts that it came with; false if the id is taken. */
    static boolean insert(Handle operator, Model model, ModelTexts.Found texts) {
        return operator.createUpdate("INSERT INTO model (" + COLUMNS + ", licence_sha256, use_policy_sha256)"
                                + " VALUES (:id, :pool, :licence, :baseModel, :contextLength, :vocabSize, :weightsSha256,"
                                + " :ownerTenant, :createdAt, :state, :licenceSha256, :usePolicySha256)"
                                + " ON CONFLICT (id) DO NOTHING")
                        .bindMethods(model)
                        .bind("licenceSha256", texts.licenceSha256())
                        .bind("usePolicySha256", texts.usePolicySha256())
                        .execute()
                == 1;
    }

    /** Changes its state; false if there is no such model. */
    static boolean setState(Handle operator, String id, String state) {
        return operator.createUpdate("UPDATE model SET state = :state WHERE id = :id")
                        .bind("id", id)
                        .bind("state", state)
                        .execute()
                == 1;
    }

    private static Model model(ResultSet row, StatementContext context) throws SQLException {
        return new Model(
                row.getString("id"),
                row.getString("pool"),
                row.getString("licence"),
                row.getString("base_model"),
                row.getInt("context_length"),
                row.getInt("vocab_size"),
                row.getString("weights_sha256"),
                row.getString("owner_tenant"),
                row.getObject("created_at", OffsetDateTime.class).toInstant(),
                row.getString("state"));
    }
}
