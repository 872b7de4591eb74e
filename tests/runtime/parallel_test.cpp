#include "hewn/runtime/parallel.h"

#include "hewn/runtime/context.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

struct Range {
  std::int64_t begin;
  std::int64_t end;
};

std::vector<Range> ranges_of(Context& ctx, std::int64_t count, std::int64_t grain) {
  std::mutex mutex;
  std::vector<Range> ranges;
  parallel_for(ctx, count, grain, [&](std::int64_t begin, std::int64_t end, int) {
    const std::scoped_lock lock(mutex);
    ranges.push_back({begin, end});
  });
  std::sort(ranges.begin(), ranges.end(), [](Range a, Range b) { return a.begin < b.begin; });
  return ranges;
}

TEST(ParallelFor, RangesCoverEverythingOnce) {
  for (int threads : {1, 2, 5}) {
    Context ctx({.threads = threads});
    for (std::int64_t count : {0, 1, 2, 7, 64, 1000, 1001}) {
      for (std::int64_t grain : {0, 1, 3, 64, 2000}) {
        SCOPED_TRACE(text_of(threads, " threads, ", count, " items, grain ", grain));
        std::int64_t expected = 0;
        const auto ranges = ranges_of(ctx, count, grain);
        for (const Range& range : ranges) {
          EXPECT_EQ(range.begin, expected);
          EXPECT_LT(range.begin, range.end);
          expected = range.end;
          EXPECT_GE(2 * (range.end - range.begin), std::min(grain, count));
        }
        EXPECT_EQ(expected, count);
      }
    }
  }
}

TEST(ParallelFor, NoTwoCallsAtOnceShareAWorker) {
  constexpr int kThreads = 5;
  Context ctx({.threads = kThreads});
  std::vector<std::atomic<int>> busy(kThreads);
  std::atomic<int> clashes = 0;
  std::atomic<int> strangers = 0;
  for (int round = 0; round < 20; ++round) {
    parallel_for(ctx, 200, 1, [&](std::int64_t, std::int64_t, int worker) {
      if (worker < 0 || worker >= kThreads) {
        ++strangers;
        return;
      }
      auto& mine = busy[static_cast<std::size_t>(worker)];
      if (mine.exchange(1) != 0) ++clashes;
      std::this_thread::yield();
      mine = 0;
    });
  }
  EXPECT_EQ(clashes, 0);
  EXPECT_EQ(strangers, 0);
}

TEST(ParallelFor, OneThreadRunsInlineAndUndivided) {
  Context ctx({.threads = 1});
  EXPECT_EQ(ctx.workers(), nullptr);
  int calls = 0;
  parallel_for(ctx, 1000, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    ++calls;
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 1000);
    EXPECT_EQ(worker, 0);
  });
  EXPECT_EQ(calls, 1);
}

TEST(ParallelFor, LittleWorkStaysOnTheCallingThread) {
  Context ctx({.threads = 5});
  std::thread::id where;
  parallel_for(ctx, 10, 10,
               [&](std::int64_t, std::int64_t, int) { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(Context, ChecksItsOptions) {
  EXPECT_EQ(test::error_of([] { Context({.threads = -1}); }),
            "threads: expected 1 to 1024, or 0 for every processor, got -1");
  EXPECT_EQ(test::error_of([] { Context({.threads = 1025}); }),
            "threads: expected 1 to 1024, or 0 for every processor, got 1025");
  EXPECT_GE(Context().threads(), 1);
  EXPECT_EQ(Context({.threads = 3}).threads(), 3);
  EXPECT_TRUE(Context({.threads = 1, .precise = true}).precise());
  EXPECT_EQ(Context({.threads = 1, .isa = Isa::scalar}).isa(), Isa::scalar);
}

}  // namespace
}  // namespace hewn
