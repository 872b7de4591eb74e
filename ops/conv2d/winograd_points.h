// The interpolation points of Winograd's convolutions, and the polynomials on them. Internal: not
// installed.
//
// F(m, r) computes m outputs of an r-tap correlation from m + r − 1 products (Winograd, 1980; Lavin
// and Gray, 2015):
//
//     y = Aᵀ [ (G g) ∘ (Bᵀ d) ],    points 0, +p₁, −p₁, +p₂, −p₂, …, ∞ in this order.
//
// For a finite point p, row p of Bᵀ holds the coefficients of M(x) / (x − p), where M(x) = Π (x −
// q) over all finite points q; row p of G is [1, p, p², …] / Π_{q≠p} (p − q); column p of Aᵀ is [1,
// p, p², …]. For ∞, where it is a point, they are M(x), the last tap alone and the last output
// alone. Points come in pairs ±p so that even and odd parts are shared.
#pragma once

#include <array>
#include <cstddef>

namespace hewn {

/// The pairs were chosen by measured error among many (README.md has the table); their squares are
/// exact in float.
template <int outputs, int taps>
struct WinogradPoints;
template <>
struct WinogradPoints<4, 3> {
  static constexpr std::array<double, 2> pairs{5.0 / 8, 3.0 / 2};
};
template <>
struct WinogradPoints<4, 5> {
  static constexpr std::array<double, 3> pairs{1.0 / 2, 1.0, 2.0};
};
template <>
struct WinogradPoints<2, 3> {
  static constexpr std::array<double, 1> pairs{1.0};
};
/// Of the points of F(4, 3), all but ∞.
template <>
struct WinogradPoints<4, 2> : WinogradPoints<4, 3> {};
/// An axis that is not transformed: one tap, one output, one product.
template <>
struct WinogradPoints<1, 1> {
  static constexpr std::array<double, 0> pairs{};
};

/// The coefficients, lowest first, of Π (x − p²) over all pairs but the one at `without`: a
/// polynomial in x². With `without` = pairs the product runs over all.
template <std::size_t pairs>
constexpr std::array<double, pairs + 1> even_polynomial(const std::array<double, pairs>& points,
                                                        std::size_t without) {
  std::array<double, pairs + 1> c{};
  c[0] = 1;
  for (std::size_t i = 0; i < pairs; ++i) {
    if (i == without) continue;
    const double square = points[i] * points[i];
    for (std::size_t k = pairs; k > 0; --k) c[k] = c[k - 1] - square * c[k];
    c[0] *= -square;
  }
  return c;
}

}  // namespace hewn
