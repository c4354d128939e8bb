package io.altiplano.gateway.access;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A resource under {@code /v1} that answers anybody. A valid API key, of whatever scopes, says who asks; one that is not valid is
 * refused, so that nobody believes to have been known who was not.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface KeyOptional {}
