// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// Feeds mutated archives to the unpacker, past their checksum: bytes of the archive (lengths, frames), and bytes inside of
// its blocks, packed again. Whatever comes, there is an error of one line or a file that SQLite finds whole; a crash, a
// hang or a damaged file fails. usage: fuzz_archive ROUNDS SECONDS [SEED]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <sstream>

#include "base/file.h"
#include "collector/recorder/archive/codec.h"
#include "collector/recorder/archive/pack.h"
#include "collector/recorder/archive/zstd.h"
#include "schemas/sqlite/database.h"

namespace {

using namespace ridge;

void buildSeed(const std::string& path) {
    auto db = Database::openForWriting(path);
    const auto done = db->execute(
        "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);"
        "CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, text TEXT, v REAL, b);"
        "CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID; CREATE INDEX i ON NVTX_EVENTS(start); CREATE VIEW v AS SELECT start FROM NVTX_EVENTS;"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO NVTX_EVENTS SELECT i * 1000, CASE WHEN i % 7 THEN i * 1000 + 50 END, "
        "CASE WHEN i % 3 THEN 'range ' || i END, i * 0.25, CASE i % 4 WHEN 0 THEN x'00ff' WHEN 1 THEN i ELSE NULL END FROM n;"
        "INSERT INTO StringIds VALUES (1, 'a'), (9, 'b'); INSERT INTO w VALUES ('x', 1), ('y', 2)");
    if (!done.ok()) std::abort();
}

// One section of the archive taken apart, spoilt inside and put together again.
std::string spoiltInside(const std::string& archive, std::mt19937_64& random) {
    std::string result = archive.substr(0, 8);
    const std::uint64_t which = random() % 6;
    std::size_t at = 8;
    for (std::uint64_t n = 0; at + 28 <= archive.size(); ++n) {
        std::uint32_t header[5];
        std::memcpy(header, archive.data() + at, sizeof header);
        std::string packed = archive.substr(at + sizeof header, header[4]), bytes;
        at += sizeof header + header[4];
        if (n == which && archive::zstdUnpack(packed, header[3], bytes) && !bytes.empty()) {
            for (std::uint64_t i = 0; i <= random() % 5; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
            if (random() % 4 == 0) bytes.resize(random() % bytes.size());
            packed = archive::zstdPack(bytes, 1);
            header[3] = static_cast<std::uint32_t>(bytes.size());
            header[4] = static_cast<std::uint32_t>(packed.size());
            if (random() % 4 == 0) header[2] = static_cast<std::uint32_t>(random() % 40000);
        }
        result.append(reinterpret_cast<const char*>(header), sizeof header).append(packed);
    }
    return result + archive.substr(archive.size() - 8);
}

std::string spoiltOutside(std::string archive, std::mt19937_64& random) {
    for (std::uint64_t i = 0; i <= random() % 8; ++i) archive[random() % archive.size()] = static_cast<char>(random());
    if (random() % 5 == 0) archive.resize(random() % archive.size());
    return archive;
}

std::string integrity(const std::string& path) {
    auto db = Database::openForReading(path);
    if (!db.ok()) return db.error().message;
    auto check = db->prepare("PRAGMA integrity_check");
    if (!check.ok()) return check.error().message;
    const auto row = check->step();
    return row.ok() && *row ? std::string(check->text(0)) : "no answer";
}

}  // namespace

int main(int argc, char** argv) {
    if (!archive::canPack()) {
        fmt::print("built without zstd\n");
        return 77;
    }
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
    const int seconds = argc > 2 ? std::atoi(argv[2]) : 10;
    std::mt19937_64 random(argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1);
    const auto dir = TempDir::create("ridge-fuzz-archive");
    if (!dir.ok()) return 2;
    const std::string seed = (dir->path() / "seed.sqlite").string(), packed = (dir->path() / "seed.pack").string(), out = (dir->path() / "out.sqlite").string();
    buildSeed(seed);
    if (!archive::packTimeline(seed, packed).ok()) return 2;
    const std::string good = *readFile(packed);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    int done = 0, taken = 0;
    for (; done < rounds && std::chrono::steady_clock::now() < until; ++done) {
        const std::string bytes = random() % 3 == 0 ? spoiltOutside(good, random) : spoiltInside(good, random);
        std::istringstream in(bytes);
        const auto outcome = archive::unpackUnchecked(in, out);
        if (!outcome.ok() && outcome.error().message.find('\n') != std::string::npos) {
            fmt::print("an error of several lines: {}\n", outcome.error().message);
            return 1;
        }
        if (!outcome.ok()) continue;
        ++taken;
        if (const std::string whole = integrity(out); whole != "ok") {
            fmt::print("round {}: a damaged file: {}\n", done, whole);
            return 1;
        }
        std::filesystem::remove(out);
    }
    fmt::print("{} archives, {} of them still sound\n", done, taken);
    return 0;
}
