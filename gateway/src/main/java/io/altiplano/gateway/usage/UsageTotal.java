package io.altiplano.gateway.usage;

/**
 * What a tenant used of a model.
 *
 * @param tenant the tenant
 * @param model the model's catalog id
 * @param requests jobs that succeeded or were cancelled; failed ones are not billed and not counted
 * @param promptTokens tokens read
 * @param completionTokens tokens written
 */
public record UsageTotal(String tenant, String model, long requests, long promptTokens, long completionTokens) {}
