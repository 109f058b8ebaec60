// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Ridgepoint authors
#include "collector/recorder/archive/secrets.h"

#include <gtest/gtest.h>

namespace ridge::archive {
namespace {

using namespace std::string_literals;

std::string cleaned(const std::string& text) {
    TextCleaner cleaner;
    return cleaner.clean(text).value_or(text);
}

TEST(Secrets, namesThatTellAndNamesThatDoNot) {
    for (const char* name : {"HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "WANDB_API_KEY", "apiKey", "--api-key", "DB_PASSWORD", "db-password", "Authorization", "GITHUB_PAT", "STRIPE_KEY", "client_secret",
                             "NCCL_TOKEN2", "NCCL_CRED", "NCCL_PWD", "NCCL_MYSECRET", "NCCL_SECRETJ", "dbpassword", "--pw", "--aws.secret", "--wandb-key", "--key", "--pwd"})
        EXPECT_TRUE(isSecretName(name)) << name;
    for (const char* name : {"max_tokens", "tokenizer", "key", "monkey", "KV_CACHE", "passes", "forward_pass", "CUDA_VISIBLE_DEVICES", "secretary", "num_keys", "PATH",
                             "PWD", "pw_conv", "NCCL_IB_PKEY", "CUDA_CACHE_PATH", "--num-keys", "--max-tokens", "--keys"})
        EXPECT_FALSE(isSecretName(name)) << name;
}

TEST(Secrets, optionsAndAssignmentsLoseTheirValues) {
    EXPECT_EQ(cleaned("train.py --token abcDEF123 --lr 0.1"), "train.py --token scrubbed --lr 0.1");
    EXPECT_EQ(cleaned("train.py --api-key=abcDEF123 x"), "train.py --api-key=scrubbed x");
    EXPECT_EQ(cleaned(R"(["train","--password","hunter2"])"), R"(["train","--password","scrubbed"])");
    EXPECT_EQ(cleaned(R"([{"command":"[\"--token\",\"abcDEF123\"]"}])"), R"([{"command":"[\"--token\",\"scrubbed\"]"}])");
    EXPECT_EQ(cleaned("HF_TOKEN=abc.def-123 python3 x.py"), "HF_TOKEN=scrubbed python3 x.py");
    EXPECT_EQ(cleaned("Authorization: Bearer abc.def"), "Authorization: Bearer scrubbed");
    EXPECT_EQ(cleaned(R"({"client_secret": "x9-y8"})"), R"({"client_secret": "scrubbed"})");
}

TEST(Secrets, textsOfTracesStay) {
    for (const char* text : {"void cutlass::Kernel<Token::Type>(int)", "decode token 512", "max_tokens=4096", "token: 17", "prefill --max-token-len 1024", "key=value",
                             "/blocks.2/blocks.2.7/conv1/Conv", "aten::linear, op_id = 512", "sk-means", "ncclDevKernel_AllReduce_Sum_bf16_RING_LL(ncclDevKernelArgsStorage<4096ul>)",
                             "a:b://c", "mangled _ZN5token6SecretEv", "x = \"y\"\nz", "https://example.org/path?x=1", "token_embedding: bf16"})
        EXPECT_EQ(cleaned(text), text);
}

TEST(Secrets, formsOfTokensUrlsAndKeys) {
    EXPECT_EQ(cleaned("got hf_abcdefghijklmnop0123 ok"), "got scrubbed ok");
    EXPECT_EQ(cleaned("ghp_0123456789abcdefghij0123456789"), "scrubbed");
    EXPECT_EQ(cleaned("AKIA0123456789ABCDEF"), "scrubbed");
    EXPECT_EQ(cleaned("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"), "scrubbed");
    EXPECT_EQ(cleaned("git clone https://me:pa55@host.org/x.git"), "git clone https://scrubbed@host.org/x.git");
    EXPECT_EQ(cleaned("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b"), "a scrubbed-----END RSA PRIVATE KEY----- b");
}

TEST(Secrets, anEnvironmentKeepsWhatIsListed) {
    TextCleaner cleaner;
    const std::string block = "USER=alice\0CUDA_VISIBLE_DEVICES=0,1\0MY_VAR=x\0OPENAI_KEY=abcdefgh1234\0"s;
    EXPECT_EQ(cleaner.clean(block), "CUDA_VISIBLE_DEVICES=0,1");
    EXPECT_EQ(cleaner.counts()[static_cast<std::size_t>(Removed::kEnvironment)], 3U);
    EXPECT_EQ(cleaner.clean("HOME=/root\nPATH=/bin\nSHELL=/bin/sh\n"), "scrubbed");
    EXPECT_EQ(cleaner.clean("lr=0.1\nbeta=0.9\neps=1e-8\n"), std::nullopt);  // a configuration, not an environment
}

TEST(Secrets, whatWasLearntGoesEverywhere) {
    TextCleaner cleaner;
    cleaner.learn("A=1\0WANDB_API_KEY=zzz-yyy-xxx\0USER=alice\0HOSTNAME=node7\0"s);
    EXPECT_EQ(cleaner.clean("login with zzz-yyy-xxx on node7"), "login with scrubbed on host-1");
    EXPECT_EQ(cleaner.clean("/data/alice/run and alice@node7, but not malice"), "/data/user/run and user@host-1, but not malice");
    EXPECT_EQ(cleaner.clean("/home/bob/x.py"), "/home/user/x.py");
    EXPECT_EQ(cleaner.clean("alice_kernel<node70>"), std::nullopt);
}

TEST(Secrets, aCommandLineKeepsItsArguments) {
    const std::vector<std::string> command = {"python3", "train.py", "--token", "abcDEF123", "--name=x y", "", "PASSWORD=hunter2", "/home/bob/x"};
    const std::vector<std::string> expected = {"python3", "train.py", "--token", "scrubbed", "--name=x y", "", "PASSWORD=scrubbed", "/home/bob/x"};
    EXPECT_EQ(withoutSecrets(command), expected);
    EXPECT_EQ(withoutSecrets({"x", "--pw", "ABC5", "--aws.secret", "ABC8", "--wandb-key", "ABC9", "--key=ABC7", "--cfg.db.password=p", "--api-key", "--lr", "0.1"}),
              (std::vector<std::string>{"x", "--pw", "scrubbed", "--aws.secret", "scrubbed", "--wandb-key", "scrubbed", "--key=scrubbed", "--cfg.db.password=scrubbed", "--api-key", "--lr", "0.1"}));
    EXPECT_EQ(valueWithoutSecrets("token=SECRETT"), "token=scrubbed");
    EXPECT_EQ(valueWithoutSecrets("mlx5_0:1,mlx5_1:1"), "mlx5_0:1,mlx5_1:1");
    EXPECT_EQ(valueWithoutSecrets(""), "");
    EXPECT_EQ(withoutSecrets({}), std::vector<std::string>{});
    EXPECT_EQ(withoutSecrets({"x", "--password", ""}), (std::vector<std::string>{"x", "--password", ""}));
}

TEST(Secrets, anyBytesAreTaken) {
    std::uint32_t state = 1;
    const std::string alphabet = "=:\"'\\ \0\n-_/@.aZ0TOKENkey"s;
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (std::uint32_t i = (state = state * 1664525U + 1013904223U) >> 27; i > 0; --i) text += alphabet[((state = state * 1664525U + 1013904223U) >> 16) % alphabet.size()];
        TextCleaner cleaner;
        cleaner.learn(text);
        const std::string once = cleaner.clean(text).value_or(text);
        EXPECT_LE(once.size(), text.size() * 9 + 16);
        withoutSecrets({text, text});
    }
}

}  // namespace
}  // namespace ridge::archive
