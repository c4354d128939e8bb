package io.altiplano.stack.cli;

import io.altiplano.stack.infra.InfraException;
import io.altiplano.stack.platform.ChatClient;
import io.altiplano.stack.platform.ChatClient.Message;
import io.altiplano.stack.platform.Demo;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Streams an answer to the terminal; without a prompt, a conversation until end of input. */
@Command(name = "chat", description = "Chats with a model.")
final class Chat implements Runnable {
    @Option(names = "--home", required = true, hidden = true)
    private Path home = Path.of("");

    @Option(names = "--model", defaultValue = Demo.MODEL)
    private String model = Demo.MODEL;

    @Parameters(paramLabel = "PROMPT", arity = "0..*")
    private List<String> prompt = List.of();

    @Override
    public void run() {
        Home here = new Home(home.toAbsolutePath());
        ChatClient client = new ChatClient(here.variable("ALTIPLANO_BASE_URL"), here.variable("ALTIPLANO_API_KEY"));
        if (!prompt.isEmpty()) {
            say(client, List.of(new Message("user", String.join(" ", prompt))));
            return;
        }
        converse(client);
    }

    private void converse(ChatClient client) {
        List<Message> messages = new ArrayList<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try {
            while (true) {
                System.out.print("> ");
                System.out.flush();
                String line = in.readLine();
                if (line == null) {
                    System.out.println();
                    return;
                }
                if (line.isBlank()) {
                    continue;
                }
                messages.add(new Message("user", line));
                messages.add(new Message("assistant", say(client, messages)));
            }
        } catch (IOException e) {
            throw new InfraException("cannot read the terminal: " + e.getMessage(), e);
        }
    }

    private String say(ChatClient client, List<Message> messages) {
        ChatClient.Answer answer = client.stream(model, messages, ChatClient.noOptions(), piece -> {
            System.out.print(piece);
            System.out.flush();
        });
        System.out.println();
        return answer.text();
    }
}
