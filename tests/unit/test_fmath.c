/* SPDX-License-Identifier: Apache-2.0 */
/* fmath against libm in long double, and against itself on other CPUs: the digests at the end must be the
 * same under GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2, at -O0 and -O3, with gcc and clang. */
#include "funnel/fmath.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#define INF ((double)INFINITY)
#define NOT_A_NUMBER ((double)NAN)

/* What is asserted; include/funnel/fmath.h says the same. */
#define EXP_ULP 0.54
#define EXP_SUBNORMAL_ULP 0.80
#define EXPM1_ULP 0.65
#define LOG_ULP 0.70
#define SUBNORMAL_BELOW -708.39 /* e^x there */

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_bits(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static double random_between(double low, double high)
{
    return low + (high - low) * (double)(random_bits() >> 11) * 0x1p-53;
}

static double from_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* Distance in units in the last place of the double that `exact` would be. */
static double ulps(double got, long double exact)
{
    int exponent;

    if (isinf(got) && fabsl(exact) > (long double)DBL_MAX)
        return fabsl(exact) >= 0x1.fffffffffffff8p1023L ? 0.0 : 1e9;
    frexpl(exact, &exponent);
    if (exponent < -1021)
        exponent = -1021;
    return (double)fabsl(ldexpl((long double)got - exact, 53 - exponent));
}

struct worst {
    double ulp, at;
    long count;
};

static void compare(struct worst *w, double (*own)(double), long double (*libm)(long double),
                    double x)
{
    double e = ulps(own(x), libm((long double)x));

    w->count++;
    if (!(e <= w->ulp)) {
        w->ulp = e;
        w->at = x;
    }
}

static void require(const struct worst *w, const char *name, double bound)
{
    cr_log_info("%s: at most %.4f ulp in %ld arguments, at %a", name, w->ulp, w->count, w->at);
    cr_assert(w->ulp <= bound, "%s: %.4f ulp at %a (bound %.2f)", name, w->ulp, w->at, bound);
}

/* Every exponent of both signs, then the whole range, then where the reduction changes its k. */
static void exp_arguments(struct worst *w, double (*own)(double), long double (*libm)(long double))
{
    for (uint64_t exponent = 0; exponent < 0x408; exponent++)
        for (int i = 0; i < 600; i++) {
            double x = from_bits(exponent << 52 | random_bits() >> 12);

            compare(w, own, libm, x);
            compare(w, own, libm, -x);
        }
    for (int i = 0; i < 1500000; i++) {
        compare(w, own, libm, random_between(SUBNORMAL_BELOW, 709.8));
        compare(w, own, libm, random_between(-2.0, 2.0));
    }
    for (int k = -2043; k <= 2047; k++)
        for (int i = 0; i < 100; i++)
            compare(w, own, libm, k * 0x1.62e42fefa39efp-2 * random_between(1.0, 1.0 + 1e-7));
}

Test(fmath, exp_over_the_whole_range)
{
    struct worst w = {0};

    exp_arguments(&w, fm_exp, expl);
    require(&w, "exp", EXP_ULP);
}

Test(fmath, exp_of_results_that_are_subnormal)
{
    struct worst w = {0};

    for (int i = 0; i < 500000; i++)
        compare(&w, fm_exp, expl, random_between(-745.2, SUBNORMAL_BELOW));
    /* The sum is rounded, then the scaled sum is. */
    require(&w, "exp, subnormal", EXP_SUBNORMAL_ULP);
}

Test(fmath, expm1_over_the_whole_range)
{
    struct worst w = {0};

    exp_arguments(&w, fm_expm1, expm1l);
    require(&w, "expm1", EXPM1_ULP);
}

Test(fmath, log_over_the_whole_range)
{
    struct worst w = {0};

    for (uint64_t exponent = 0; exponent < 0x7ff; exponent++)
        for (int i = 0; i < 1000; i++)
            compare(&w, fm_log, logl, from_bits(exponent << 52 | random_bits() >> 12));
    for (int i = 0; i < 1000000; i++) {
        compare(&w, fm_log, logl, random_between(0.5, 2.0));
        compare(&w, fm_log, logl, 1.0 + ldexp(random_between(-1.0, 1.0), -(i % 53)) / 2);
        compare(&w, fm_log, logl, ldexp(sqrt(2.0) * random_between(1 - 1e-9, 1 + 1e-9), i % 9 - 4));
        compare(&w, fm_log, logl, from_bits(random_bits() >> 12 >> (i % 52)));
    }
    require(&w, "log", LOG_ULP);
}

Test(fmath, special_values)
{
    cr_assert(fm_exp(0.0) == 1.0 && fm_exp(-0.0) == 1.0);
    cr_assert(fm_exp(INF) == INF && fm_exp(-INF) == 0.0 && isnan(fm_exp(NOT_A_NUMBER)));
    cr_assert(isfinite(fm_exp(0x1.62e42fefa39efp9)) && fm_exp(0x1.62e42fefa39f0p9) == INF);
    cr_assert(fm_exp(-0x1.74910d52d3051p9) == 0x1p-1074 && fm_exp(-0x1.74910d52d3052p9) == 0.0);
    cr_assert(fm_exp(1e308) == INF && fm_exp(-1e308) == 0.0 && fm_exp(5e-324) == 1.0);
    cr_assert(fm_expm1(0.0) == 0.0 && !signbit(fm_expm1(0.0)) && signbit(fm_expm1(-0.0)));
    cr_assert(fm_expm1(5e-324) == 5e-324 && fm_expm1(-1e-300) == -1e-300);
    cr_assert(fm_expm1(INF) == INF && fm_expm1(-INF) == -1.0 && isnan(fm_expm1(NOT_A_NUMBER)));
    cr_assert(fm_log(1.0) == 0.0 && !signbit(fm_log(1.0)));
    cr_assert(fm_log(0.0) == -INF && fm_log(-0.0) == -INF && fm_log(INF) == INF);
    cr_assert(isnan(fm_log(-1.0)) && isnan(fm_log(-INF)) && isnan(fm_log(NOT_A_NUMBER)));
    cr_assert(isnan(fm_log(-5e-324)));
}

Test(fmath, exp_and_log_do_not_fall)
{
    double before = 0.0;

    for (double x = -746.0; x < 710.0; x += 1.0 / 1024) {
        cr_assert(fm_exp(x) >= before, "exp falls at %a", x);
        before = fm_exp(x);
    }
    before = -INF;
    for (double x = 0.25; x < 4.0; x += 0x1p-18) {
        cr_assert(fm_log(x) >= before, "log falls at %a", x);
        before = fm_log(x);
    }
}

static long double upper_tail(long double z)
{
    return 0.5L * erfcl(z * 0.707106781186547524400844362104849039L);
}

Test(fmath, normal_tail)
{
    double worst = 0.0;

    for (int i = 0; i < 1000000; i++) {
        double z = random_between(-10.0, 37.5);
        long double exact = upper_tail(z);
        double e = (double)fabsl((fm_normal_sf(z) - exact) / exact);

        worst = e > worst ? e : worst;
    }
    cr_log_info("normal tail: relative error at most %.2g", worst);
    cr_assert(worst < 1e-13, "%g", worst);
    cr_assert(fm_normal_sf(0.0) == 0.5 && fm_normal_sf(INF) == 0.0);
    cr_assert(fm_normal_sf(-INF) == 1.0 && isnan(fm_normal_sf(NOT_A_NUMBER)));
    cr_assert(fm_normal_sf(38.0) > 0.0 && fm_normal_sf(39.5) == 0.0);
}

/* The quantile is right when the exact tail there is p again: dp/dz = -density, so the error in z is the
 * error in p over the density. */
static double quantile_error(double p)
{
    long double z = -(long double)fm_normal_quantile(p);
    long double density = expl(-0.5L * z * z) * 0.398942280401432677939946059934381868L;

    return (double)(fabsl((upper_tail(z) - (long double)p) / density) / fmaxl(fabsl(z), 1e-300L));
}

Test(fmath, normal_quantile)
{
    double worst = 0.0;

    for (int i = 0; i < 500000; i++) {
        double central = quantile_error(random_between(1e-9, 0.499));
        double far = quantile_error(ldexp(random_between(0.5, 1.0), -(i % 1000) - 1));

        worst = central > worst ? central : worst;
        worst = far > worst ? far : worst;
    }
    cr_log_info("normal quantile: relative error at most %.2g", worst);
    cr_assert(worst < 2e-15, "%g", worst);
    cr_assert(fabs(fm_normal_quantile(0.975) - 1.959963984540054) < 1e-15);
    cr_assert(fm_normal_quantile(0.5) == 0.0);
    cr_assert(fm_normal_quantile(0.0) == -INF && fm_normal_quantile(1.0) == INF);
    cr_assert(isnan(fm_normal_quantile(-0.1)) && isnan(fm_normal_quantile(1.1)));
    cr_assert(isnan(fm_normal_quantile(NOT_A_NUMBER)));
}

static uint64_t digest(double (*f)(double), double low, double high)
{
    uint64_t hash = 0xcbf29ce484222325;

    random_state = 1;
    for (int i = 0; i < 200000; i++) {
        double y = f(random_between(low, high));
        uint64_t bits;

        memcpy(&bits, &y, sizeof(bits));
        hash = (hash ^ bits) * 0x100000001b3;
    }
    return hash;
}

Test(fmath, the_same_bits_everywhere)
{
    static const struct {
        const char *name;
        double (*f)(double);
        double low, high;
        uint64_t digest;
    } cases[] = {
        {"exp", fm_exp, -745.0, 709.0, 0x1612920a72d352ee},
        {"expm1", fm_expm1, -3.0, 3.0, 0xecfaa4679e9b2489},
        {"log", fm_log, 0.0, 1e6, 0x96ed0522a90175f4},
        {"quantile", fm_normal_quantile, 0.0, 1.0, 0xf4db7110b0dfba4d},
        {"tail", fm_normal_sf, -8.0, 38.0, 0xb18fbce0c771f7da},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint64_t got = digest(cases[i].f, cases[i].low, cases[i].high);

        cr_expect(got == cases[i].digest, "%s: digest 0x%016llx", cases[i].name,
                  (unsigned long long)got);
    }
}
