/* SPDX-License-Identifier: Apache-2.0 */
/* Within a bin the chances are the same in each pane, so that after `a` panes of it the share (1 - d - x)^a is left,
 * and of those who have gone d / (d + x) have advanced. */
#include "funnel/maturity.h"

#include "core/log1m.h"

static double chance(double n, double y)
{
    return y > 0 ? (n < y ? n / y : 1) : 0;
}

void maturity_curve_init(struct maturity_curve *c, const struct ages *ages, const double *d,
                         const double *x, const double *y)
{
    double stay = 1;

    *c = (struct maturity_curve){.bins = ages->bins};
    for (int bin = 0; bin < c->bins; bin++) {
        double advance = chance(d[bin], y[bin]), gone = chance(d[bin] + x[bin], y[bin]);
        double width = (double)(ages->edge[bin + 1] - ages->edge[bin]);

        c->edge[bin + 1] = (double)ages->edge[bin + 1];
        c->stay[bin] = stay;
        c->part[bin] = gone > 0 ? advance / gone : 0;
        c->part[bin] = c->part[bin] < 1 ? c->part[bin] : 1;
        c->log_stay[bin] = log1m(gone);
        c->cif[bin + 1] = c->cif[bin] - stay * c->part[bin] * fm_expm1(width * c->log_stay[bin]);
        stay *= fm_exp(width * c->log_stay[bin]);
    }
}

double maturity_curve_at(const struct maturity_curve *c, double age)
{
    double end = c->cif[c->bins], reached;
    int bin = 0;

    if (age >= c->edge[c->bins])
        return end > 0 ? 1 : 0;
    if (!(age > 0) || !(end > 0))
        return 0;
    while (age >= c->edge[bin + 1])
        bin++;
    reached = c->cif[bin] -
              c->stay[bin] * c->part[bin] * fm_expm1((age - c->edge[bin]) * c->log_stay[bin]);
    /* The last bit of expm1 is not monotone. */
    reached = reached < c->cif[bin + 1] ? reached : c->cif[bin + 1];
    return reached / end;
}
