package io.altiplano.gateway.licence;

import io.altiplano.licensing.Use;

/**
 * What is asked: may this tenant use this model, which stands under this licence, so?
 *
 * @param modelId the model's catalog id
 * @param licenceId the licence that the catalog says it stands under
 */
record Question(String tenantId, String modelId, String licenceId, Use use) {}
