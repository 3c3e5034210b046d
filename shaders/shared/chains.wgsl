// One multiply-add in every chain of `ceiling_arithmetic.wgsl`.
a0 = a0 * m + b;
a1 = a1 * m + b;
a2 = a2 * m + b;
a3 = a3 * m + b;
#ifdef CHAINS_4
#else
a4 = a4 * m + b;
a5 = a5 * m + b;
a6 = a6 * m + b;
a7 = a7 * m + b;
#ifdef CHAINS_8
#else
a8 = a8 * m + b;
a9 = a9 * m + b;
a10 = a10 * m + b;
a11 = a11 * m + b;
a12 = a12 * m + b;
a13 = a13 * m + b;
a14 = a14 * m + b;
a15 = a15 * m + b;
#endif
#endif
