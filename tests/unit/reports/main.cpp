// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
// reports_test [--update]: the second form rewrites tests/data/golden.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "base/file.h"
#include "tests/unit/reports/support.h"

namespace ridge::reports::test {

bool updateGolden = false;

namespace {
std::string fromEnvironment(const char* name, const char* fallback) {
    const char* value = std::getenv(name);
    return value ? value : fallback;
}
}  // namespace

std::string keep(const std::string& name, const std::string& content) {
    // Run by hand it must not litter the folder it is started in, which may be the checkout.
    static const std::string elsewhere = (std::filesystem::temp_directory_path() / "ridge-reports-out").string();
    const std::filesystem::path folder = fromEnvironment("RIDGE_OUTPUT_DIR", elsewhere.c_str());
    std::filesystem::create_directories(folder);
    const auto path = folder / name;
    const Status status = writeFileAtomically(path, content);
    if (!status.ok()) throw std::runtime_error(status.error().message);
    return path.string();
}

std::string sourcePath(const std::string& relative) { return fromEnvironment("RIDGE_SOURCE_DIR", ".") + "/" + relative; }

std::string schemaErrors(const std::string& documentPath, const std::string& schema) {
    // Debian's interpreter: the one that has python3-jsonschema.
    const std::string script =
        "import json,sys,jsonschema\n"
        "strict=lambda c: sys.exit('not JSON: '+c)\n"
        "doc=json.load(open(sys.argv[1],encoding='utf-8'),parse_constant=strict)\n"
        "schema=json.load(open(sys.argv[2]))\n"
        "jsonschema.Draft202012Validator.check_schema(schema)\n"
        "for e in list(jsonschema.Draft202012Validator(schema).iter_errors(doc))[:5]:\n"
        "    print('/'.join(map(str,e.absolute_path)),e.message[:300])\n";
    const std::string scriptPath = keep("validate.py", script);
    const std::string command =
        "/usr/bin/python3 '" + scriptPath + "' '" + documentPath + "' '" + sourcePath("schemas/json/" + schema) + "' 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) throw std::runtime_error("cannot start python3");
    std::string output;
    char buffer[512];
    while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
    const int status = pclose(pipe);
    if (status != 0 && output.empty()) output = "the validator failed without a word";
    return output;
}

}  // namespace ridge::reports::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i < argc; ++i) ridge::reports::test::updateGolden |= std::string_view(argv[i]) == "--update";
    return RUN_ALL_TESTS();
}
