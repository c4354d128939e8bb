package io.altiplano.gateway.policy;

import static io.altiplano.gateway.testing.AdminApi.as;
import static io.restassured.RestAssured.given;

import io.restassured.http.ContentType;
import io.restassured.response.Response;
import java.util.HashMap;
import java.util.Map;

/** Reports of misuse as tests make and handle them. */
final class AbuseReporting {
    static final String LABEL = "Platform policy (not the licence): ";
    static final String PATH = "/v1/abuse_reports";
    static final String REPORTS = "/admin/v1/abuse-reports";

    private AbuseReporting() {}

    /** A report as somebody would send it. */
    static Map<String, Object> body(String kind, String subject) {
        return new HashMap<>(Map.of(
                "subject_kind", kind,
                "subject_id", subject,
                "category", "spam",
                "description", "It sends me spam.\nEvery day.",
                "contact", "ana@example.org"));
    }

    /** Reports; the answer. */
    static Response report(String kind, String subject) {
        Response answer =
                given().contentType(ContentType.JSON).body(body(kind, subject)).post(PATH);
        answer.then().statusCode(202);
        return answer;
    }

    /** A report as an auditor sees it. */
    static io.restassured.response.ValidatableResponse seen(Response reported) {
        return as("auditor").get(REPORTS + "/" + reported.path("id")).then().statusCode(200);
    }

    /** An officer resolves a report. */
    static Response resolve(String officer, String report, String outcome, String reason) {
        return as(officer).body(Map.of("outcome", outcome, "reason", reason)).post(REPORTS + "/" + report + "/resolve");
    }
}
