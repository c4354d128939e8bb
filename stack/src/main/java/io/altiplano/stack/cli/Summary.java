package io.altiplano.stack.cli;

import io.altiplano.stack.platform.Demo;

/** What a person sees when the platform is up. */
final class Summary {
    private Summary() {}

    static String text(Home home, PortPlan ports) {
        String base = "http://127.0.0.1:" + ports.gateway();
        return """

                API      %1$s/v1       model %2$s
                Admin    %1$s/admin/v1 (bearer: ./altiplano token admin)
                OIDC     http://127.0.0.1:%3$d/realms/altiplano
                Key      in %4$s (acme's): %5$s

                  . %4$s
                  curl -sN $ALTIPLANO_BASE_URL/chat/completions \\
                    -H "authorization: Bearer $ALTIPLANO_API_KEY" -H 'content-type: application/json' \\
                    -d '{"model": "%2$s", "stream": true, "messages": [{"role": "user", "content": "Hello!"}]}'

                  from openai import OpenAI
                  client = OpenAI(base_url="%1$s/v1", api_key="%5$s")
                  for chunk in client.chat.completions.create(model="%2$s", stream=True,
                          messages=[{"role": "user", "content": "Hello!"}]):
                      print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="", flush=True)
                """.formatted(base, Demo.MODEL, ports.keycloak(), home.env(), home.variable("ALTIPLANO_API_KEY"));
    }
}
