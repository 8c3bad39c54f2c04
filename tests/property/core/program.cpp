// SPDX-License-Identifier: BSL-1.0
#include "program.hpp"

#include "trace.hpp"

#include <cstdlib>
#include <ostream>
#include <string>

namespace property {

namespace {

void number(block& b, int& next) {
    for (step& s : b) {
        s.name = next++;
        number(s.body, next);
        number(s.rescue, next);
        for (clause& c : s.clauses) {
            c.name = next++;
            number(c.body, next);
        }
        number(s.mapping, next);
        for (block& l : s.leaving) number(l, next);
    }
}

std::size_t size(block const& b) {
    std::size_t n = 0;
    for (step const& s : b) {
        n += 4 + static_cast<std::size_t>(std::abs(s.value)) + (s.again ? 1 : 0) + (s.maps ? 1 : 0) +
             static_cast<std::size_t>(s.leaves) + (s.source >= 0 ? 1 : 0);
        n += size(s.body) + size(s.rescue) + size(s.mapping);
        for (clause const& c : s.clauses)
            n += 2 + static_cast<std::size_t>(std::abs(c.value)) + (c.tail ? 1 : 0) + size(c.body);
        for (block const& l : s.leaving) n += size(l);
    }
    return n;
}

class printer {
public:
    explicit printer(std::ostream& out) : out_(out) {}

    void print(block const& b, int depth) {
        for (step const& s : b) {
            indent(depth) << '#' << s.name << ' ';
            print(s, depth);
        }
    }

private:
    std::ostream& indent(int depth) { return out_ << std::string(static_cast<std::size_t>(depth) * 4, ' '); }

    static std::string holder(int source) { return source == own ? "k" : "slot" + std::to_string(source); }

    void braces(char const* before, block const& b, int depth, char const* after = "\n") {
        if (b.empty()) {
            out_ << before << "{}" << after;
            return;
        }
        out_ << before << "{\n";
        print(b, depth + 1);
        indent(depth) << '}' << after;
    }

    void print(step const& s, int depth) {
        switch (s.kind) {
        case step_kind::perform:
            out_ << "perform op" << s.operation << '(' << s.value << ")\n";
            break;
        case step_kind::local:
            braces("local object, ~", s.body, depth);
            break;
        case step_kind::scope:
            braces("", s.body, depth);
            break;
        case step_kind::repeat:
            out_ << "repeat " << s.value;
            braces(" ", s.body, depth);
            break;
        case step_kind::fail:
            out_ << "throw boom(" << s.value << ")\n";
            break;
        case step_kind::rethrow:
            out_ << "throw\n";
            break;
        case step_kind::catch_own:
            braces("try ", s.body, depth, " ");
            braces("catch (boom) ", s.rescue, depth);
            break;
        case step_kind::catch_all:
            braces("try ", s.body, depth, " ");
            braces("catch (...) ", s.rescue, depth, s.again ? " and throw again\n" : "\n");
            break;
        case step_kind::observe:
            out_ << "observe exceptions\n";
            break;
        case step_kind::handle:
        case step_kind::shallow:
            handlers(s, depth);
            break;
        case step_kind::mask:
            out_ << "mask op" << s.operation;
            braces(" ", s.body, depth);
            break;
        case step_kind::resume:
            out_ << holder(s.source) << ".resume(" << s.value << ")\n";
            break;
        case step_kind::resume_with_exception:
            out_ << holder(s.source) << ".resume_with_exception(boom(" << s.value << "))\n";
            break;
        case step_kind::drop:
            out_ << "drop " << holder(s.source) << '\n';
            break;
        case step_kind::forget:
            out_ << holder(s.source) << ".forget()\n";
            break;
        case step_kind::keep:
            out_ << "slot" << s.slot << " = k\n";
            break;
        case step_kind::thread:
            braces("on another thread ", s.body, depth);
            break;
        }
    }

    void handlers(step const& s, int depth) {
        out_ << (s.kind == step_kind::handle ? "handle " : "shallow::handle ");
        if (s.source != nowhere)
            out_ << "the rest of " << holder(s.source) << " with " << s.value << ' ';
        else
            braces("", s.body, depth, " ");
        for (std::size_t i = 0; i < s.clauses.size(); ++i) {
            if (i == 0 && s.leaves > 0) braces("", s.leaving[0], depth, " by finally, ");
            clause const& c = s.clauses[i];
            out_ << "\n";
            indent(depth) << '#' << c.name
                          << (c.kind == clause_kind::on        ? " on"
                              : c.kind == clause_kind::control ? " control"
                                                               : " aborts")
                          << " op" << c.operation;
            braces(" ", c.body, depth, "");
            if (c.kind == clause_kind::control && c.tail) out_ << " resume_tail(" << c.value << ')';
            if (c.kind != clause_kind::control) out_ << " + " << c.value;
        }
        if (s.clauses.empty() && s.leaves > 0) finally(s.leaving[0], depth);
        if (s.leaves > 1) finally(s.leaving[1], depth);
        if (s.maps) {
            out_ << '\n';
            indent(depth);
            braces("returns ", s.mapping, depth, "");
        }
        out_ << '\n';
    }

    void finally(block const& b, int depth) {
        out_ << '\n';
        indent(depth);
        braces("finally ", b, depth, "");
    }

    std::ostream& out_;
};

std::string what(int exception) {
    if (exception == nothing) return "none";
    if (exception == already_used) return "resumption_already_used";
    if (exception == the_unwinding) return "the unwinding";
    if (exception <= unhandled) return "unhandled op" + std::to_string(unhandled - exception);
    return "boom(" + std::to_string(exception) + ")";
}

} // namespace

void number(program& p) {
    int next = 1;
    number(p.body, next);
}

std::size_t size(program const& p) { return size(p.body); }

std::ostream& operator<<(std::ostream& out, program const& p) {
    out << '\n';
    printer(out).print(p.body, 0);
    return out;
}

std::string text(event const& e) {
    std::string const at = "#" + std::to_string(e.name) + " ";
    switch (e.kind) {
    case event_kind::performs:
        return at + "performs op" + std::to_string(e.a) + "(" + std::to_string(e.b) + ")";
    case event_kind::answered:
        return at + "gets " + std::to_string(e.a);
    case event_kind::clause:
        return at + "clause, asked with " + std::to_string(e.a);
    case event_kind::returns:
        return at + "returns clause, given " + std::to_string(e.a);
    case event_kind::leaves:
        return at + "finally clause " + std::to_string(e.a);
    case event_kind::throws:
        return at + "throws boom(" + std::to_string(e.a) + ")";
    case event_kind::caught:
        return at + "catches " + what(e.a);
    case event_kind::destroyed:
        return at + "object destroyed, uncaught exceptions: " + std::to_string(e.a);
    case event_kind::sees:
        return at + "uncaught exceptions: " + std::to_string(e.a) + ", current: " + what(e.b);
    case event_kind::kept:
        return at + "kept in slot" + std::to_string(e.a);
    case event_kind::dropped:
        return at + "dropped";
    case event_kind::lost:
        return at + "runs though it was destroyed";
    case event_kind::ended:
        return "ended with " + std::to_string(e.a);
    case event_kind::escaped:
        return "ended by " + what(e.a);
    }
    return at;
}

} // namespace property
