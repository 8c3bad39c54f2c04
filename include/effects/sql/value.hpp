// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include <effects/sql/error.hpp>

namespace effects::sql {

/// SQL's null: `sql::query("update t set a = $1", sql::null)`. `std::nullopt`, `nullptr` and empty optionals are it, too.
struct null_t {
    bool operator==(null_t const&) const = default;
};
inline constexpr null_t null{};

/// Bytes.
using blob = std::vector<std::byte>;
/// A moment, in microseconds since 1970 (UTC). Finer clocks are rounded down.
using timestamp = std::chrono::sys_time<std::chrono::microseconds>;

/// How a type of your own goes into a parameter and comes out of a column. Specialize it:
///
///     template <> struct effects::sql::codec<money> {
///         static sql::value encode(money const& m) { return m.cents; }
///         static money decode(sql::value const& v) { return {v.as<long>()}; }
///     };
template <class T>
struct codec;

class value;

namespace detail {

template <class T>
concept has_codec = requires {
    sizeof(codec<T>);
};
template <class T>
concept character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
    std::same_as<T, char16_t> || std::same_as<T, char32_t>;
template <class T>
concept integer = std::integral<T> && !std::same_as<T, bool> && !character<T>;
template <class T>
concept real = std::same_as<T, double> || std::same_as<T, float>;
template <class T>
concept enumeration = std::is_enum_v<T> && !std::same_as<T, std::byte>;
template <class T>
concept text = std::convertible_to<T const&, std::string_view> && !std::same_as<T, std::nullptr_t>;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_moment = false;
template <class D>
inline constexpr bool is_moment<std::chrono::sys_time<D>> = true;

template <class T>
inline constexpr bool is_parameter =
    has_codec<T> || std::same_as<T, bool> || integer<T> || real<T> || enumeration<T> || text<T> || is_moment<T>;
template <class T>
inline constexpr bool is_parameter<std::optional<T>> = is_parameter<T>;

template <class T>
inline constexpr bool is_column =
    has_codec<T> || std::same_as<T, bool> || integer<T> || std::same_as<T, double> || enumeration<T> ||
    std::same_as<T, std::string> || std::same_as<T, blob> || is_moment<T> || std::same_as<T, value>;
template <class T>
inline constexpr bool is_column<std::optional<T>> = is_column<T>;

} // namespace detail

/// What may be given as a parameter: bool, integers, float and double, enums (as their number), text (`std::string`,
/// `std::string_view`, literals), `blob`, moments (`std::chrono::sys_time`), optionals of these, null, and types with
/// a `codec`.
template <class T>
concept parameter_type = std::constructible_from<value, T>;

/// What a column may be read as: bool, integers, double, enums, `std::string`, `blob`, moments (`timestamp`), `sql::value`,
/// optionals of these, and types with a `codec`. Not float, which could not hold what a column holds, nor views, which
/// would outlive it.
template <class T>
concept column_type = detail::is_column<T>;

/// What the value is.
enum class kind : unsigned char { nothing, boolean, integer, real, text, bytes, moment };
std::string_view name_of(kind) noexcept;

/// One parameter, or one cell of a result.
///
///     sql::value v = 5;            v.kind() == sql::kind::integer;      v.as<int>() == 5;
///     sql::value n = sql::null;    n.is_null();                         n.as<std::optional<int>>() == std::nullopt;
///
/// Reading never loses anything: a number that does not fit, text read as a number, or null read as something that has
/// no null is a `conversion_error`.
class value {
public:
    using storage = std::variant<null_t, bool, std::int64_t, double, std::string, blob, timestamp>;

    value() noexcept = default; ///< null
    value(null_t) noexcept {}
    value(std::nullopt_t) noexcept {}
    value(std::nullptr_t) noexcept {}
    value(std::string text) noexcept : storage_(std::in_place_type<std::string>, std::move(text)) {}
    value(blob bytes) noexcept : storage_(std::in_place_type<blob>, std::move(bytes)) {}
    /// Throws a `conversion_error` for an unsigned number that no 64-bit integer of SQL holds.
    template <class T>
        requires(detail::is_parameter<T>)
    value(T const& given);

    // In value.cpp: inlined, they make g++ 12 warn, in its own headers, of members that it takes for uninitialized.
    value(value const& other);
    value(value&& other) noexcept;
    value& operator=(value const& other);
    value& operator=(value&& other) noexcept;
    ~value();

    sql::kind kind() const noexcept { return static_cast<sql::kind>(storage_.index()); }
    bool is_null() const noexcept { return storage_.index() == 0; }

    template <column_type T>
    T as() const;

    /// The alternatives as they are, for handlers and `std::visit`.
    storage const& alternatives() const& noexcept { return storage_; }
    storage alternatives() && noexcept;

    bool operator==(value const& other) const;
    /// As SQL writes it: 5, 'text', x'00ff', null; cut after 64 characters.
    friend std::ostream& operator<<(std::ostream&, value const&);

private:
    storage storage_;
};

/// "2026-03-01 12:30:05", in UTC, with six more digits where there is a fraction: SQLite's own form, which sorts as time.
std::string to_text(timestamp);
/// Reads that form, or ISO 8601 ("2026-03-01T12:30:05.25Z", "…+02:00", a date alone). Nullopt for anything else.
std::optional<timestamp> timestamp_from_text(std::string_view) noexcept;

// ---------------------------------------------------------------------------------------------------------------------

namespace detail {

[[noreturn]] void throw_unsigned_out_of_range();

// Each throws a conversion_error. `wanted` names the C++ type.
std::int64_t read_integer(value const&, std::int64_t low, std::int64_t high, char const* wanted);
std::uint64_t read_unsigned(value const&, std::uint64_t high, char const* wanted);
bool read_boolean(value const&);
double read_double(value const&);
std::string read_text(value const&);
blob read_blob(value const&);
timestamp read_timestamp(value const&);
[[noreturn]] void throw_moment_not_exact();

// A moment in another unit: all of it, or a conversion_error.
template <class Moment>
Moment moment_as(timestamp t) {
    using duration = typename Moment::duration;
    if constexpr (std::ratio_less_v<typename duration::period, std::micro>) {
        using range = std::numeric_limits<typename duration::rep>;
        constexpr auto most = std::chrono::floor<std::chrono::microseconds>(duration(range::max()));
        if (t.time_since_epoch() >= most || t.time_since_epoch() <= -most) throw_moment_not_exact();
        return Moment(std::chrono::duration_cast<duration>(t.time_since_epoch()));
    } else {
        auto rounded = std::chrono::floor<duration>(t);
        if (rounded != t) throw_moment_not_exact();
        return rounded;
    }
}

template <class T>
constexpr char const* integer_name() noexcept {
    constexpr bool is_signed = std::is_signed_v<T>;
    switch (sizeof(T)) {
    case 1:
        return is_signed ? "an 8-bit integer" : "an unsigned 8-bit integer";
    case 2:
        return is_signed ? "a 16-bit integer" : "an unsigned 16-bit integer";
    case 4:
        return is_signed ? "a 32-bit integer" : "an unsigned 32-bit integer";
    default:
        return is_signed ? "a 64-bit integer" : "an unsigned 64-bit integer";
    }
}

template <class T>
value::storage encode(T const& given) {
    if constexpr (has_codec<T>) {
        return value(codec<T>::encode(given)).alternatives();
    } else if constexpr (std::same_as<T, bool>) {
        return given;
    } else if constexpr (enumeration<T>) {
        return encode(static_cast<std::underlying_type_t<T>>(given));
    } else if constexpr (std::integral<T>) {
        if constexpr (std::is_unsigned_v<T> && sizeof(T) >= sizeof(std::int64_t))
            if (given > static_cast<T>(std::numeric_limits<std::int64_t>::max())) throw_unsigned_out_of_range();
        return static_cast<std::int64_t>(given);
    } else if constexpr (real<T>) {
        return static_cast<double>(given);
    } else if constexpr (is_optional<T>) {
        if (!given) return null;
        return value(*given).alternatives();
    } else if constexpr (is_moment<T>) {
        return std::chrono::floor<std::chrono::microseconds>(given);
    } else {
        if constexpr (std::is_pointer_v<T>)
            if (!given) return null;
        return std::string(std::string_view(given));
    }
}

template <class T>
T decode(value const& v) {
    if constexpr (has_codec<T>) {
        return codec<T>::decode(v);
    } else if constexpr (std::same_as<T, value>) {
        return v;
    } else if constexpr (std::same_as<T, bool>) {
        return read_boolean(v);
    } else if constexpr (enumeration<T>) {
        return static_cast<T>(decode<std::underlying_type_t<T>>(v));
    } else if constexpr (std::unsigned_integral<T>) {
        return static_cast<T>(read_unsigned(v, std::numeric_limits<T>::max(), integer_name<T>()));
    } else if constexpr (std::integral<T>) {
        return static_cast<T>(
            read_integer(v, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), integer_name<T>()));
    } else if constexpr (std::same_as<T, double>) {
        return read_double(v);
    } else if constexpr (is_optional<T>) {
        if (v.is_null()) return std::nullopt;
        return decode<typename T::value_type>(v);
    } else if constexpr (is_moment<T>) {
        return moment_as<T>(read_timestamp(v));
    } else if constexpr (std::same_as<T, blob>) {
        return read_blob(v);
    } else {
        return read_text(v);
    }
}

} // namespace detail

template <class T>
    requires(detail::is_parameter<T>)
value::value(T const& given) : storage_(detail::encode(given)) {}

template <column_type T>
T value::as() const {
    return detail::decode<T>(*this);
}

} // namespace effects::sql
