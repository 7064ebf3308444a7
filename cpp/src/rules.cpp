// rule_sums: the door, and the blocks of rows that the workers take in turns.
#include "vicinal/rules.hpp"

#include <limits>
#include <string>

#include "kernels/table.hpp"
#include "lowering.hpp"
#include "team.hpp"

namespace vicinal {

static_assert(static_cast<int>(TriangularNorm::lukasiewicz) ==
              static_cast<int>(kernels::TriangularNorm::lukasiewicz));
static_assert(static_cast<int>(RuleStep::fire) == static_cast<int>(kernels::RuleStep::fire));
static_assert(static_cast<int>(RuleSum::maximum) == static_cast<int>(kernels::RuleSum::maximum));

namespace {

using kernels::rule_rows;

void require(bool holds, const std::string& message) {
  if (!holds) refuse(message);
}

void check_shapes(const RuleProgram& program, const View<const double>& degrees,
                  const RuleConclusions& conclusions, const View<double>& out) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max() / rule_rows;
  require(program.steps.columns == 4,
          "steps must have 4 columns, got " + std::to_string(program.steps.columns));
  require(program.registers >= degrees.rows && program.registers <= most,
          "registers must be at least the " + std::to_string(degrees.rows) +
              " rows of degrees and at most " + std::to_string(most) + ", got " +
              std::to_string(program.registers));
  require(out.rows == degrees.columns, "out must have a row for each column of degrees (" +
                                           std::to_string(degrees.columns) + "), got " +
                                           std::to_string(out.rows));
  require(out.columns <= most, "out must have at most " + std::to_string(most) + " columns, got " +
                                   std::to_string(out.columns));
  const auto norm = static_cast<std::int32_t>(program.norm);
  require(norm >= 0 && norm <= 2, "norm is not known: " + std::to_string(norm));
  const auto& offsets = conclusions.offsets;
  require(!offsets.empty() && offsets[0] == 0, "offsets must begin with 0");
  require(offsets.back() == static_cast<std::int64_t>(conclusions.columns.size()) &&
              conclusions.columns.size() == conclusions.weights.size(),
          "offsets must end with the number of columns and of weights");
}

// Every index that the blocks follow without looking.
void check_indices(const RuleProgram& program, const RuleConclusions& conclusions,
                   std::int64_t out_columns) {
  const auto& offsets = conclusions.offsets;
  for (std::size_t r = 1; r < offsets.size(); ++r)
    require(offsets[r] >= offsets[r - 1],
            "offsets must not fall, at rule " + std::to_string(r - 1));
  for (const std::int32_t column : conclusions.columns)
    require(column >= 0 && column < out_columns, "columns must be from 0 to " +
                                                     std::to_string(out_columns - 1) + ", got " +
                                                     std::to_string(column));
  const auto rules = static_cast<std::int64_t>(offsets.size()) - 1;
  for (std::int64_t s = 0; s < program.steps.rows; ++s) {
    const std::int32_t* step = program.steps.row(s);
    const bool fires = step[0] == static_cast<std::int32_t>(RuleStep::fire);
    const auto is_register = [&](std::int32_t i) { return i >= 0 && i < program.registers; };
    const bool targets = fires ? step[1] >= 0 && step[1] < rules : is_register(step[1]);
    require(step[0] >= 0 && step[0] <= static_cast<std::int32_t>(RuleStep::fire) && targets &&
                is_register(step[2]) && is_register(step[3]),
            "steps has a wrong number in row " + std::to_string(s));
  }
}

struct Registers {
  Buffer<double> all, sums;
};

class Blocks {
 public:
  Blocks(const RuleProgram& program, View<const double> degrees, const RuleConclusions& conclusions,
         View<double> out, RuleSum sum)
      : program_(program), degrees_(degrees), conclusions_(conclusions), out_(out) {
    run_ =
        kernels::table<double>().run_rules[static_cast<int>(program.norm)][static_cast<int>(sum)];
  }

  void allocate(Registers& r) const {
    r.all.resize(program_.registers * rule_rows);
    r.sums.resize(out_.columns * rule_rows);
    std::fill_n(r.all.data(), program_.registers * rule_rows, 0.0);
  }
  void take(std::int64_t first, std::int64_t rows, const Registers& r) const {
    for (std::int64_t c = 0; c < degrees_.rows; ++c)
      std::copy_n(degrees_.row(c) + first, rows, r.all.data() + c * rule_rows);
    std::fill_n(r.sums.data(), out_.columns * rule_rows, 0.0);
    run_({.steps = program_.steps.data,
          .stride = program_.steps.stride,
          .count = program_.steps.rows,
          .offsets = conclusions_.offsets.data(),
          .columns = conclusions_.columns.data(),
          .weights = conclusions_.weights.data(),
          .registers = r.all.data(),
          .sums = r.sums.data()});
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t c = 0; c < out_.columns; ++c)
        out_.row(first + i)[c] = r.sums[c * rule_rows + i];
  }

 private:
  const RuleProgram& program_;
  View<const double> degrees_;
  const RuleConclusions& conclusions_;
  View<double> out_;
  void (*run_)(const kernels::RuleArguments<double>&);
};

}  // namespace

void rule_sums(const RuleProgram& program, View<const double> degrees,
               const RuleConclusions& conclusions, View<double> out, const RuleOptions& options) {
  check_shapes(program, degrees, conclusions, out);
  check_indices(program, conclusions, out.columns);
  if (out.rows == 0 || out.columns == 0) return;
  const Blocks blocks(program, degrees, conclusions, out, options.sum);
  const Watch watch{options.interrupted, {}};
  Poll poll(watch, 1);
  const int threads = std::min(options.num_threads > 0 ? options.num_threads : max_threads(), 1024);
  take_turns(out.rows, rule_rows, threads, poll, [&](const auto& each_turn) {
    Registers registers;
    blocks.allocate(registers);
    each_turn([&](std::int64_t first, std::int64_t rows) {
      blocks.take(first, rows, registers);
      poll.look();
    });
  });
  poll.finish();
}

}  // namespace vicinal
