package io.altiplano.stack.platform;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.altiplano.stack.infra.InfraException;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The gateway's admin API, as far as a start needs it. */
public final class AdminApi {
    private final String url;
    private final Supplier<String> token;

    /** At http://host:port/admin/v1 by an administrator's access token, fetched anew for each call. */
    public AdminApi(String url, Supplier<String> token) {
        this.url = url;
        this.token = token;
    }

    /** Creates a tenant unless there is one of that id; true if it was created. */
    public boolean createTenant(String id, String name, String tier, String registrationNumber) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("id", id).put("name", name).put("tier", tier).put("registration_number", registrationNumber);
        return created("/tenants", body);
    }

    /** Attests a tenant's monthly active users of June 2024, the month before Llama 3.1's release. */
    public void attest(String tenant, String product, long monthlyActiveUsers) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("licence", "llama-3.1").put("signed_by", "The demo's first start");
        body.putArray("products")
                .addObject()
                .put("name", product)
                .put("monthly_active_users", monthlyActiveUsers)
                .put("month", "2024-06");
        body.putArray("affiliates");
        require(
                Http.send("POST", url + "/tenants/" + tenant + "/attestations", token.get(), body),
                "attest for " + tenant);
    }

    /** Makes a person, by the subject of its tokens, an owner of a tenant; twice is once. */
    public void makeOwner(String tenant, String subject, String name) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("subject", subject).put("role", "owner").put("name", name);
        require(
                Http.send("POST", url + "/tenants/" + tenant + "/members", token.get(), body),
                "make " + name + " an owner of " + tenant);
    }

    /** Makes an API key; the answer is the only time that it is seen. */
    public String createKey(String tenant, String name) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("name", name);
        JsonNode answer = require(
                Http.send("POST", url + "/tenants/" + tenant + "/keys", token.get(), body), "make a key for " + tenant);
        return answer.path("key").asText();
    }

    /** Registers a model whose files are in the model store, unless there is one of that id; true if it was created. */
    public boolean createModel(String id, String licence, @Nullable String pool) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("id", id).put("licence", licence);
        if (pool != null) {
            body.put("pool", pool);
        }
        return created("/models", body);
    }

    /** Sets a model's list price in two minutes' time: US dollars a million tokens, and the share let off a batch. */
    public void price(
            String model,
            String prompt,
            String cachedPrompt,
            String completion,
            String adapterPremium,
            String discount) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("model", model)
                .put("prompt", prompt)
                .put("cached_prompt", cachedPrompt)
                .put("completion", completion)
                .put("adapter_premium", adapterPremium)
                .put("batch_discount", discount);
        require(Http.send("POST", url + "/prices", token.get(), body), "set the price of " + model);
    }

    /** Sets what the platform allows a tenant in place of its plan, by the limits' names; all that it sets there. */
    public void limits(String tenant, Map<String, ?> limits) {
        ObjectNode body = Http.JSON.valueToTree(limits);
        require(
                Http.send("PUT", url + "/tenants/" + tenant + "/limits", token.get(), body),
                "set the limits of " + tenant);
    }

    /** Gives a tier other limits from now on, for inference alone. */
    public void plan(String tier, int requestsPerMinute, long tokensPerMinute, int concurrent) {
        ObjectNode body = Http.JSON.createObjectNode();
        body.put("tier", tier).put("requests_per_minute", requestsPerMinute);
        body.put("tokens_per_minute", tokensPerMinute).put("concurrent", concurrent);
        body.put("tokens_per_month", 1_000_000_000_000L)
                .put("max_tokens", 8_192)
                .put("default_max_tokens", 512);
        body.put("weight", 1).putArray("uses").add("infer");
        require(Http.send("POST", url + "/tiers", token.get(), body), "change the plan of " + tier);
    }

    /** A tenant's usage, as the API answers it. */
    public JsonNode usage(String tenant) {
        return require(
                Http.send("GET", url + "/usage?tenant=" + tenant, token.get(), null), "read the usage of " + tenant);
    }

    private boolean created(String path, JsonNode body) {
        Http.Answer answer = Http.send("POST", url + path, token.get(), body);
        if (answer.status() == 409) {
            return false;
        }
        require(answer, "POST " + path);
        return true;
    }

    private static JsonNode require(Http.Answer answer, String what) {
        if (answer.status() / 100 != 2) {
            throw new InfraException(
                    "the admin API refused to " + what + ": status " + answer.status() + ", " + answer.body());
        }
        return answer.body();
    }
}
