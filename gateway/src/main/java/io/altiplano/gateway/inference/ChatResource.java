package io.altiplano.gateway.inference;

import io.altiplano.contracts.v1.TokenOut;
import io.altiplano.gateway.access.CurrentCaller;
import io.altiplano.gateway.access.KeyScope;
import io.altiplano.gateway.access.NeedsScope;
import io.altiplano.gateway.chat.ChatJob;
import io.altiplano.gateway.chat.ChatRequest;
import io.altiplano.gateway.chat.ChatService;
import io.altiplano.gateway.job.JobEvent;
import io.altiplano.gateway.web.ApiException;
import io.altiplano.gateway.web.EventStream;
import io.altiplano.gateway.web.JsonBody;
import io.altiplano.gateway.web.RequestId;
import io.smallrye.common.annotation.RunOnVirtualThread;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code POST /v1/chat/completions}. Whether the answer is a stream is the body's to say, never Accept's: the official
 * clients ask for streams with three different values of it.
 */
@Path("/v1/chat/completions")
@NeedsScope(KeyScope.INFERENCE)
@RunOnVirtualThread
public class ChatResource {
    private static final Duration LOOK = Duration.ofSeconds(5);
    /**
     * The scheduler refuses within milliseconds, if at all; so long a stream's status waits for it or for the first token, so
     * that a full queue is a 429 and not an event.
     */
    private static final Duration SCHEDULERS_WORD = Duration.ofMillis(100);

    private final ChatService chat;
    private final CurrentCaller caller;
    private final RequestId requestId;

    @Inject
    ChatResource(ChatService chat, CurrentCaller caller, RequestId requestId) {
        this.chat = chat;
        this.caller = caller;
        this.requestId = requestId;
    }

    /** An answer to a conversation, whole or as server-sent events. */
    @POST
    public Response create(@Context HttpHeaders headers, @Context RoutingContext http, InputStream body)
            throws InterruptedException {
        ChatRequest request = ChatRequestReader.read(JsonBody.read(headers.getMediaType(), body));
        ChatJob job = chat.submit(caller.get(), request);
        if (request.stream()) {
            Optional<JobEvent.Failed> refused = job.stream().refusedWithin(SCHEDULERS_WORD);
            if (refused.isPresent()) {
                throw new ApiException(JobFailures.error(refused.get()));
            }
            return new EventStream(new ChatEvents(job, requestId.get())).toResponse(job.headers());
        }
        http.addEndHandler(end -> {
            if (end.failed()) {
                job.stream().cancel("client_disconnected");
            }
        });
        // Who hung up while the job was being queued ended the exchange before there was a handler to hear it.
        if (http.response().closed()) {
            job.stream().cancel("client_disconnected");
        }
        return whole(job);
    }

    private static Response whole(ChatJob job) throws InterruptedException {
        StringBuilder text = new StringBuilder();
        List<TokenOut> tokens = new ArrayList<>();
        while (true) {
            for (JobEvent event : job.stream().await(LOOK)) {
                switch (event) {
                    case JobEvent.Delta delta -> {
                        text.append(delta.text());
                        tokens.addAll(delta.tokens());
                    }
                    case JobEvent.Completed completed -> {
                        return answer(job, text.toString(), tokens, completed);
                    }
                    case JobEvent.Failed failed -> throw new ApiException(JobFailures.error(failed));
                }
            }
        }
    }

    private static Response answer(ChatJob job, String text, List<TokenOut> tokens, JobEvent.Completed completed) {
        ToolCall call = ToolCall.parse(text, job.request().toolNames()).orElse(null);
        Response.ResponseBuilder response = Response.ok(
                new Completions(job).whole(text, tokens, call, completed.finishReason(), completed.usage()),
                MediaType.APPLICATION_JSON_TYPE);
        job.headers().forEach(response::header);
        return response.build();
    }
}
