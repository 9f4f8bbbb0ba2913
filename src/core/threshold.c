/* SPDX-License-Identifier: Apache-2.0 */
#include "funnel/threshold.h"

#include "funnel/zone.h"

/* Where noise grows with the time scale, as it does where rates wander for hours, what crosses by chance is smaller than
 * what a test is made for and takes longer: noise is taken at twice the time that a real change needs. */
#define NOISE_AT 2.0

/* The sixteen tests are looked at after each pane. On exact Poisson streams they give 2.2 times the alarms that
 * cusum_gamma() allows for where a pane has few conversions, fewer where it has many, because a sum that crosses and comes
 * back within a pane is not seen (tests/property/test_budget.c). */
#define LOOKS_MOST 2.2

static double looks(const struct threshold_series *s)
{
    double a_pane = s->nu * (double)s->pane_ms / (double)ZONE_DAY_MS;
    double many = LOOKS_MOST / (1 + 0.4 * a_pane);

    return many > 1 ? many : 1;
}

double threshold_share(size_t series, size_t others)
{
    if (others == 0)
        return 1;
    return series == 0 ? 0.5 : 0.5 / (double)others;
}

double threshold_rho(double level_variance, double o, double min_effect, bool short_history)
{
    double rho = cusum_indifference(level_variance, o);

    /* Until the history is as long as a stay may last, its level is off by about a percent. */
    if (short_history && rho > 0.97)
        rho = 0.97;
    return rho < 1 - min_effect ? rho : 1 - min_effect;
}

struct threshold threshold_of(const struct cusum_test *t, const struct threshold_series *s,
                              const struct dispersion *phi)
{
    double gamma = cusum_gamma(s->nu, s->rho, s->alpha, s->share) * looks(s);
    double need = cusum_need(t->i, gamma);
    struct threshold ret = {.rho = s->rise ? 2 - s->rho : s->rho};

    if (t->family == CUSUM_SLOW)
        ret.rho = 1;
    ret.phi = cusum_phi(dispersion_phi(&phi[cusum_scale(NOISE_AT * need, s->nu)]), need, s->o);
    ret.b = cusum_level(t, gamma, ret.phi);
    return ret;
}
