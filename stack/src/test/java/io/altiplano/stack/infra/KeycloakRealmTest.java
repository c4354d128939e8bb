package io.altiplano.stack.infra;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeycloakRealmTest {
    @ParameterizedTest
    @CsvSource({
        "admin, platform-admin",
        "officer-a, licence-officer",
        "officer-b, licence-officer",
        "auditor, auditor",
        "acme-owner, ''",
        "megacorp-owner, ''",
        "partner-owner, ''"
    })
    void aTokenNamesAudiencePersonAndThePlatformsRolesAndNoTenant(String user, String role) throws Exception {
        // given
        String issuer = TestInfra.issuer();

        // when
        String token = TestInfra.token(user);

        // then
        JsonNode claims = new ObjectMapper().readTree(Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]));
        assertThat(claims.path("iss").asText()).isEqualTo(issuer);
        assertThat(claims.path("aud").toString()).contains("altiplano");
        assertThat(claims.path("preferred_username").asText()).isEqualTo(user);
        assertThat(claims.path("sub").asText()).isEqualTo(KeycloakServer.subject(token));
        List<String> ours = new ArrayList<>();
        claims.path("realm_access").path("roles").forEach(r -> ours.add(r.asText()));
        ours.removeIf(
                r -> r.startsWith("default-roles-") || r.equals("offline_access") || r.equals("uma_authorization"));
        assertThat(ours).isEqualTo(role.isEmpty() ? List.of() : List.of(role));
        assertThat(claims.has("tenant")).isFalse();
    }

    @Test
    void aWrongPasswordGetsNoToken() {
        // given
        String issuer = TestInfra.issuer();

        // when, then
        assertThatThrownBy(() -> KeycloakServer.token(issuer, "auditor", "wrong"))
                .isInstanceOf(InfraException.class)
                .hasMessageContaining("auditor");
    }
}
