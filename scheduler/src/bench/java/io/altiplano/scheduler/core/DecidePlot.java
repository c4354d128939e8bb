package io.altiplano.scheduler.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Draws what DecideWork wrote, {@code docs/plots/scheduler-decide.csv} to {@code .svg}, when run in the module's folder. Tenants
 * stand by their logarithm, so that logarithmic growth is a line.
 */
final class DecidePlot {
    private static final Path PLOTS = Path.of("../docs/plots");
    private static final int WIDTH = 640;
    private static final int HEIGHT = 340;
    private static final int LEFT = 60;
    private static final int RIGHT = 620;
    private static final int TOP = 40;
    private static final int BOTTOM = 290;

    private final StringBuilder svg = new StringBuilder();
    private final List<Row> rows;
    private final double top;

    private record Row(double tenants, double comparisons, double median) {
        static Row of(String line) {
            String[] cells = line.split(",", -1);
            return new Row(
                    Double.parseDouble(cells[0]), Double.parseDouble(cells[1]), Double.parseDouble(cells[4]));
        }

        double log() {
            return Math.log(tenants) / Math.log(2);
        }
    }

    private DecidePlot(List<Row> rows) {
        this.rows = rows;
        this.top = Math.ceil(rows.stream()
                                .mapToDouble(r -> Math.max(r.comparisons, r.median))
                                .max()
                                .orElse(1)
                        / 10)
                * 10;
    }

    public static void main(String[] arguments) throws IOException {
        List<Row> rows = Files.readAllLines(PLOTS.resolve("scheduler-decide.csv")).stream()
                .skip(1)
                .map(Row::of)
                .toList();
        Files.writeString(PLOTS.resolve("scheduler-decide.svg"), new DecidePlot(rows).draw());
    }

    private String draw() {
        add("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">", WIDTH, HEIGHT);
        add("<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>", WIDTH, HEIGHT);
        add("<text x=\"%d\" y=\"22\" font-size=\"14\">A step of the scheduler, 10,000 jobs waiting</text>", LEFT);
        for (int y = 0; y <= top; y += 10) {
            add("<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>", LEFT, RIGHT, y(y), y(y));
            add("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>", LEFT - 6, y(y) + 4, y);
        }
        for (Row row : rows) {
            add("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>", x(row), BOTTOM + 18, row.tenants);
        }
        add("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">tenants (logarithmic)</text>", (LEFT + RIGHT) / 2, BOTTOM + 38);
        line(Row::comparisons, "#06c", "comparisons in the queue's order", 0);
        line(Row::median, "#c60", "median, µs", 1);
        add("</svg>");
        return svg.toString();
    }

    private void line(ToDoubleFunction<Row> of, String colour, String name, int place) {
        StringBuilder points = new StringBuilder();
        for (Row row : rows) {
            points.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(row), y(of.applyAsDouble(row))));
            add("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x(row), y(of.applyAsDouble(row)), colour);
        }
        add("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\"/>", points.toString().strip(), colour);
        add("<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>", LEFT + 10, TOP + 16 * (place + 1), colour, name);
    }

    private double x(Row row) {
        return LEFT + (RIGHT - LEFT) * row.log() / rows.getLast().log();
    }

    private double y(double value) {
        return BOTTOM - (BOTTOM - TOP) * value / top;
    }

    private void add(String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
