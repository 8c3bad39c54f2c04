// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace suite {

struct node {
    node const* left; // null: a leaf
    std::int64_t value;
    node const* right;
};

// tree(h) = node(t, h, t) with t = tree(h − 1), shared; tree(0) is a leaf.
class shared_tree {
public:
    explicit shared_tree(std::int64_t height) : nodes_(static_cast<std::size_t>(height)) {
        node const* below = nullptr;
        std::int64_t value = 0;
        for (node& n : nodes_) {
            n = {below, ++value, below};
            below = &n;
        }
    }
    node const* root() const { return nodes_.empty() ? nullptr : &nodes_.back(); }

private:
    std::vector<node> nodes_;
};

} // namespace suite
