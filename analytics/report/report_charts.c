#include "analytics/report/report_charts.h"

#include <math.h>

#include "analytics/report/report_html.h"

enum { WIDTH = 420, HEIGHT = 300, LEFT = 66, RIGHT = 12, TOP = 12, BOTTOM = 46 };

static double across(const struct chart *chart, double x)
{
    return LEFT + (x - chart->left) / (chart->right - chart->left) * (WIDTH - LEFT - RIGHT);
}

static double up(const struct chart *chart, double y)
{
    return HEIGHT - BOTTOM - (y - chart->bottom) / (chart->top - chart->bottom) * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten: about five steps over the range. */
static double step_of(double range)
{
    double step = 1e-12;
    while (step * 10 <= range / 5) step *= 10;
    if (step * 5 <= range / 5) return step * 5;
    return step * 2 <= range / 5 ? step * 2 : step;
}

static struct result tick_up(const struct chart *chart, double y, struct buffer *out)
{
    double at = up(chart, y);
    TRY(buffer_format(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.2f\" y2=\"%.2f\"/>", LEFT, WIDTH - RIGHT,
                      at, at));
    return buffer_format(out, "<text x=\"%d\" y=\"%.2f\" text-anchor=\"end\">%.4g</text>\n", LEFT - 6, at + 4, y);
}

static struct result tick_across(const struct chart *chart, double x, double label, struct buffer *out)
{
    return buffer_format(out, "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\">%.4g</text>\n", across(chart, x),
                         HEIGHT - BOTTOM + 16, label);
}

/* Multiples of a step within a range; a value that is nearly 0 is 0. */
static double multiple(double step, long k)
{
    return k == 0 ? 0 : step * (double)k;
}

static struct result axes(const struct chart *chart, struct buffer *out)
{
    double step = step_of(chart->top - chart->bottom), wide = step_of(chart->right - chart->left);
    for (long k = (long)ceil(chart->bottom / step - 1e-9); multiple(step, k) <= chart->top + step * 1e-9; k++)
        TRY(tick_up(chart, multiple(step, k), out));
    if (chart->classes)
        for (long c = 0; (double)c < chart->right; c++) TRY(tick_across(chart, (double)c + 0.5, (double)c + 1, out));
    else
        for (long k = (long)ceil(chart->left / wide - 1e-9); multiple(wide, k) <= chart->right + wide * 1e-9; k++)
            TRY(tick_across(chart, multiple(wide, k), multiple(wide, k), out));
    TRY(buffer_format(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (WIDTH + LEFT) / 2, HEIGHT - 8));
    TRY(html_text(chart->across, out));
    TRY(buffer_format(out, "</text><text transform=\"translate(12 %d) rotate(-90)\" text-anchor=\"middle\">",
                      HEIGHT / 2 - 16));
    TRY(html_text(chart->up, out));
    return buffer_text(out, "</text>\n");
}

struct result chart_begin(const struct chart *chart, struct buffer *out)
{
    TRY(buffer_text(out, "<figure><figcaption>"));
    TRY(html_text(chart->title, out));
    TRY(buffer_format(out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\"><title>", WIDTH, HEIGHT));
    TRY(html_text(chart->title, out));
    TRY(buffer_text(out, "</title><desc>"));
    TRY(html_text(chart->description, out));
    TRY(buffer_text(out, "</desc>\n"));
    return axes(chart, out);
}

struct result chart_line(const struct chart *chart, const double (*points)[2], size_t count, const char *kind,
                         struct buffer *out)
{
    TRY(buffer_format(out, "<polyline class=\"line %s\" points=\"", kind));
    for (size_t i = 0; i < count; i++)
        TRY(buffer_format(out, "%.2f,%.2f ", across(chart, points[i][0]), up(chart, points[i][1])));
    return buffer_text(out, "\"/>\n");
}

struct result chart_dots(const struct chart *chart, const double (*points)[2], size_t count, const char *kind,
                         struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        TRY(buffer_format(out, "<circle class=\"%s\" r=\"4\" cx=\"%.2f\" cy=\"%.2f\"/>\n", kind,
                          across(chart, points[i][0]), up(chart, points[i][1])));
    return RESULT_OK;
}

struct result chart_bar(const struct chart *chart, double from, double to, double low, double high, const char *kind,
                        struct buffer *out)
{
    double x = across(chart, from), y = up(chart, high);
    return buffer_format(out, "<rect class=\"bar %s\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n", kind,
                         x, y, across(chart, to) - x, up(chart, low) - y);
}

struct result chart_end(const char *const *legend, struct buffer *out)
{
    TRY(buffer_text(out, "</svg>"));
    if (*legend) TRY(buffer_text(out, "<p class=\"legend\">"));
    bool any = *legend != NULL;
    for (; *legend; legend += 2) {
        TRY(buffer_format(out, "<span class=\"key %s\"></span>", legend[0]));
        TRY(html_text(legend[1], out));
        TRY(buffer_u8(out, ' '));
    }
    return buffer_text(out, any ? "</p></figure>\n" : "</figure>\n");
}
