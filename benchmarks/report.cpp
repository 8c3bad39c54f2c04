// SPDX-License-Identifier: BSL-1.0
// Turns what Google Benchmark measured into rows, and holds them to the bounds that we claim.
//
//     bench_report [--bounds bounds.json] [--json rows.json] [--partial] results.json...
//
// The bounds: row name → any of
//     "baseline":    the row that it is compared with, measured in the same run
//     "bound_ratio": what value / baseline must not exceed (must reach, where higher is better)
//     "bound_value": the same for the value itself, in "unit"; a row claims one of the two
//     "measure":     a counter's name ("items_per_second", "bytes"); without it, the time of one iteration: the CPU's,
//                    since others share the machine, or the clock's of a benchmark with UseRealTime or UseManualTime
//     "better":      "higher" or "lower"; without it, higher for "…_per_second", else lower
//     "unit":        ns (the default), us, ms or s for a time; what to print for a counter
//
// The value of a row is the best of its repetitions. A row over its bound, a benchmark that failed, and a row that the
// bounds name and nobody measured (of a group that ran; --partial lets it pass) end it with 1.

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace {

using json = nlohmann::json;

struct claim {
    std::string baseline = {};
    std::string measure = {};
    std::string unit = {};
    bool higher = false;
    std::optional<double> ratio = {};
    std::optional<double> value = {};
};

struct row {
    std::string name = {};
    double value = 0;
    std::string unit = {};
    std::string baseline = {};
    std::optional<double> baseline_value = {};
    std::optional<double> ratio = {};
    std::optional<double> bound = {};
    std::string bound_of = {};
    bool over = false;
};

/// All repetitions of one benchmark.
using repetitions = std::vector<json>;

json read(std::string const& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path);
    try {
        return json::parse(file, nullptr, true, true);
    } catch (json::exception const& e) {
        throw std::runtime_error(path + ": " + e.what());
    }
}

std::string group_of(std::string const& name) { return name.substr(0, name.find('/')); }

bool ends_with(std::string const& text, std::string const& end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::map<std::string, claim> read_claims(std::string const& path) {
    static std::set<std::string> const known{"baseline", "bound_ratio", "bound_value", "measure", "better", "unit"};
    std::map<std::string, claim> claims;
    json const bounds = read(path);
    for (auto const& [name, of] : bounds.items()) {
        for (auto const& [key, ignored] : of.items())
            if (!known.contains(key)) throw std::runtime_error(path + ": " + name + ": no such key: " + key);
        claim c;
        c.baseline = of.value("baseline", "");
        c.measure = of.value("measure", "");
        c.unit = of.value("unit", c.measure.empty() ? "ns" : "");
        c.higher = of.value("better", ends_with(c.measure, "_per_second") ? "higher" : "lower") == "higher";
        if (of.contains("bound_ratio")) c.ratio = of.at("bound_ratio").get<double>();
        if (of.contains("bound_value")) c.value = of.at("bound_value").get<double>();
        if (c.ratio && c.value) throw std::runtime_error(path + ": " + name + ": claims two bounds");
        if (c.ratio && c.baseline.empty()) throw std::runtime_error(path + ": " + name + ": a ratio to what?");
        claims.emplace(name, c);
    }
    return claims;
}

double nanoseconds(std::string const& unit) {
    if (unit == "ns") return 1;
    if (unit == "us") return 1e3;
    if (unit == "ms") return 1e6;
    if (unit == "s") return 1e9;
    throw std::runtime_error("no such unit of time: " + unit);
}

bool by_the_clock(json const& run) {
    std::string const name = run.value("run_name", run.at("name").get<std::string>());
    return name.find("/real_time") != std::string::npos || name.find("/manual_time") != std::string::npos;
}

double best(repetitions const& runs, claim const& c, std::string const& name) {
    std::optional<double> found;
    for (json const& run : runs) {
        double value = 0;
        if (c.measure.empty())
            value = run.at(by_the_clock(run) ? "real_time" : "cpu_time").get<double>() *
                    nanoseconds(run.at("time_unit")) / nanoseconds(c.unit);
        else if (run.contains(c.measure))
            value = run.at(c.measure).get<double>();
        else
            throw std::runtime_error(name + " has no counter " + c.measure);
        found = !found ? value : c.higher ? std::max(*found, value) : std::min(*found, value);
    }
    return found.value();
}

std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, v >= 1000 ? "%.0f" : v >= 100 ? "%.1f" : v >= 10 ? "%.2f" : "%.3f", v);
    return text;
}

void print(std::vector<row> const& rows) {
    std::size_t widest = 4;
    std::size_t widest_baseline = 8;
    for (row const& r : rows) {
        widest = std::max(widest, r.name.size());
        widest_baseline = std::max(widest_baseline, r.baseline.size());
    }
    std::printf("%-*s %12s %-11s %-*s %12s %8s  %s\n", static_cast<int>(widest), "name", "value", "unit",
                static_cast<int>(widest_baseline), "baseline", "its value", "ratio", "bound");
    for (row const& r : rows)
        std::printf("%-*s %12s %-11s %-*s %12s %8s  %s%s\n", static_cast<int>(widest), r.name.c_str(),
                    number(r.value).c_str(), r.unit.c_str(), static_cast<int>(widest_baseline), r.baseline.c_str(),
                    r.baseline_value ? number(*r.baseline_value).c_str() : "", r.ratio ? number(*r.ratio).c_str() : "",
                    r.bound ? (number(*r.bound) + (r.bound_of == "ratio" ? " ×" : " " + r.unit)).c_str() : "",
                    r.over ? "  OVER" : "");
}

json to_json(row const& r) {
    json out{{"name", r.name}, {"value", r.value}, {"unit", r.unit}};
    if (!r.baseline.empty()) out["baseline"] = r.baseline;
    if (r.baseline_value) out["baseline_value"] = *r.baseline_value;
    if (r.ratio) out["ratio"] = *r.ratio;
    if (r.bound) {
        out["bound"] = *r.bound;
        out["bound_of"] = r.bound_of;
        out["over"] = r.over;
    }
    return out;
}

int report(std::vector<std::string> const& arguments) {
    std::map<std::string, claim> claims;
    std::string json_path;
    bool partial = false;
    std::vector<std::string> names; // in the order of the results
    std::map<std::string, repetitions> measured;
    std::set<std::string> groups;
    int problems = 0;

    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--bounds" && i + 1 < arguments.size()) {
            claims = read_claims(arguments[++i]);
        } else if (arguments[i] == "--json" && i + 1 < arguments.size()) {
            json_path = arguments[++i];
        } else if (arguments[i] == "--partial") {
            partial = true;
        } else {
            json results = read(arguments[i]);
            auto const declared = [](json const& a) {
                return std::pair{a.value("family_index", 0), a.value("per_family_instance_index", 0)};
            };
            std::stable_sort(results.at("benchmarks").begin(), results.at("benchmarks").end(),
                             [&](json const& a, json const& b) { return declared(a) < declared(b); });
            for (json const& run : results.at("benchmarks")) {
                if (run.value("run_type", "iteration") != "iteration") continue;
                std::string name = run.value("run_name", run.at("name").get<std::string>());
                // "/real_time", "/manual_time", "/iterations:5", "/threads:1": how it was run, not what it is.
                for (auto const* how : {"/iterations:", "/repeats:", "/min_time:", "/process_time", "/real_time",
                                        "/manual_time", "/threads:1"})
                    if (auto at = name.find(how); at != std::string::npos) name.resize(at);
                groups.insert(group_of(name));
                if (run.value("error_occurred", false)) {
                    std::cerr << name << " failed: " << run.value("error_message", "") << '\n';
                    ++problems;
                    continue;
                }
                auto& runs = measured[name];
                if (runs.empty()) names.push_back(name);
                runs.push_back(run);
            }
        }
    }
    if (names.empty()) throw std::runtime_error("no benchmark was run");

    std::vector<row> rows;
    for (std::string const& name : names) {
        auto const known = claims.find(name);
        claim c = known == claims.end() ? claim{.unit = "ns"} : known->second;
        row r{.name = name, .value = best(measured.at(name), c, name), .unit = c.unit};
        if (!c.baseline.empty()) {
            r.baseline = c.baseline;
            if (auto other = measured.find(c.baseline); other != measured.end()) {
                r.baseline_value = best(other->second, c, c.baseline);
                r.ratio = r.value / *r.baseline_value;
            } else if (!partial) {
                std::cerr << name << ": its baseline was not measured: " << c.baseline << '\n';
                ++problems;
            }
        }
        auto const holds = [&](double value, double bound) { return c.higher ? value >= bound : value <= bound; };
        if (c.ratio) {
            r.bound = c.ratio;
            r.bound_of = "ratio";
            r.over = r.ratio && !holds(*r.ratio, *c.ratio);
        } else if (c.value) {
            r.bound = c.value;
            r.bound_of = "value";
            r.over = !holds(r.value, *c.value);
        }
        if (r.over) ++problems;
        rows.push_back(std::move(r));
    }
    for (auto const& [name, c] : claims)
        if (!partial && groups.contains(group_of(name)) && !measured.contains(name)) {
            std::cerr << name << " has bounds, but nobody measured it\n";
            ++problems;
        }

    print(rows);
    if (!json_path.empty()) {
        json out = json::array();
        for (row const& r : rows) out.push_back(to_json(r));
        std::ofstream file(json_path);
        file << out.dump(2) << '\n';
        if (!file.flush()) throw std::runtime_error("cannot write " + json_path);
    }
    if (problems > 0) std::cerr << problems << (problems == 1 ? " problem\n" : " problems\n");
    return problems > 0 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return report({argv + 1, argv + argc});
    } catch (std::exception const& e) {
        std::cerr << "bench_report: " << e.what() << '\n';
        return 2;
    }
}
