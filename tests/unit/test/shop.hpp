// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <source_location>
#include <string>

#include <effects/effects.hpp>
#include <effects/test.hpp>

// Operations for the tests of this folder.
namespace shop {

struct receipt {
    long cents = 0;
    bool operator==(receipt const&) const = default;
};

struct charge_card {
    using result_type = receipt;
    std::string token;
    long cents = 0;
    bool operator==(charge_card const&) const = default;
};

struct log_line {
    using result_type = void;
    std::string text;
    bool operator==(log_line const&) const = default;
};

struct find_price { // has no ==, prints itself
    using result_type = int;
    std::string sku;
    int amount = 1;
    friend std::ostream& operator<<(std::ostream& out, find_price const& op) {
        return out << "price of " << op.amount << " " << op.sku;
    }
};

struct open_drawer { // a result that moves only
    using result_type = std::unique_ptr<int>;
    int number = 0;
    bool operator==(open_drawer const&) const = default;
};

struct send_parcel { // moves only itself
    using result_type = int;
    std::unique_ptr<int> weight;
};

struct get_counter { // answers with a reference
    using result_type = int&;
    bool operator==(get_counter const&) const = default;
};

class sealed { // shows nothing of itself
public:
    using result_type = int;
    explicit sealed(int secret) : secret_(secret) {}
    bool operator==(sealed const&) const = default;

private:
    int secret_;
};

} // namespace shop

// What verifying says; empty where all is well.
inline std::string verified(effects::test::mock& world) {
    try {
        world.verify();
        return {};
    } catch (effects::test::failed const& e) {
        return e.what();
    }
}

// What ended `f`; empty where nothing did.
template <class E, class F>
std::string thrown_by(F&& f) {
    try {
        f();
        return {};
    } catch (E const& e) {
        return e.what();
    }
}

inline std::string place(std::source_location where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}
