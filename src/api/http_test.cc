#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "api/http_client.h"
#include "api/router.h"
#include "protocol/unix_address.h"

namespace appshot {
namespace {

// A router served on a socket, one connection after the other, until the test ends.
class HttpTest : public testing::Test {
 protected:
  HttpTest() {
    path_ = std::filesystem::temp_directory_path() /
            ("appshot-http-" + std::to_string(::getpid()) + ".sock");
    ::unlink(path_.c_str());
    listener_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_TRUE(bind_unix(listener_.get(), path_));
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    add_routes();
    server_ = std::thread([this] {
      for (;;) {
        int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) return;
        serve_http(UniqueFd(connection), [this](HttpExchange& e) { router_.handle(e); });
      }
    });
  }

  ~HttpTest() override {
    ::shutdown(listener_.get(), SHUT_RDWR);
    server_.join();
    ::unlink(path_.c_str());
  }

  void add_routes() {
    router_.add("POST", "/echo/{word}", [](Call& call) {
      Result<Json> document = call.document();
      if (!document) return call.refuse(document.error());
      call.answer({{"word", call.name("word")}, {"x", call.parameter("x")}, {"body", *document}});
    });
    router_.add("GET", "/lines", [](Call& call) {
      EXPECT_TRUE(call.exchange().begin_stream("application/x-ndjson"));
      for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(call.exchange().stream(std::to_string(i) + "\n" + std::string(i, '\n')));
      EXPECT_TRUE(call.exchange().end_stream());
    });
    router_.add("POST", "/careless", [](Call& call) { call.answer({{"read", false}}); });
    router_.add("POST", "/count", [](Call& call) {
      std::array<char, 1000> bytes;
      size_t total = 0;
      for (;;) {
        auto got = call.exchange().read_body(bytes);
        ASSERT_TRUE(got) << got.error().message();
        if (*got == 0) break;
        total += *got;
      }
      call.answer({{"total", total}});
    });
    router_.add("POST", "/stream", [](Call& call) {
      EXPECT_TRUE(call.exchange().request().wants_stream);
      auto socket = call.exchange().upgrade();
      ASSERT_TRUE(socket);
      EXPECT_EQ(::write(socket->get(), "hello", 5), 5);
    });
  }

  HttpClient client() { return HttpClient::connect(path_).value(); }

  std::string path_;
  UniqueFd listener_;
  Router router_;
  std::thread server_;
};

TEST_F(HttpTest, AnswersSeveralRequestsOnOneConnection) {
  HttpClient http = client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(http.request("POST", "/echo/a%20b?x=1%262", R"({"n":1})").value(), 200);
    EXPECT_EQ(parse_json(http.body().value()).value(),
              (Json{{"word", "a b"}, {"x", "1&2"}, {"body", {{"n", 1}}}}));
  }
}

TEST_F(HttpTest, GoesOnAfterABodyThatNobodyRead) {
  HttpClient http = client();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(http.request("POST", "/careless", "{}").value(), 200);
    EXPECT_TRUE(http.body());
  }
}

TEST_F(HttpTest, RefusesWhatItDoesNotKnow) {
  HttpClient http = client();
  EXPECT_EQ(http.request("GET", "/nothing").value(), 404);
  EXPECT_TRUE(http.body());
  EXPECT_EQ(http.request("GET", "/echo/x").value(), 405);
  EXPECT_TRUE(http.body());
  EXPECT_EQ(http.request("POST", "/echo/x", "[1").value(), 400);
  EXPECT_EQ(field(parse_json(http.body().value()).value(), "error")["class"], "usage");
}

TEST_F(HttpTest, StreamsLines) {
  HttpClient http = client();
  EXPECT_EQ(http.request("GET", "/lines").value(), 200);
  std::vector<std::string> lines;
  while (auto line = http.body_line().value()) lines.push_back(*line);
  EXPECT_EQ(lines, (std::vector<std::string>{"0", "1", "", "2", "", ""}));
}

TEST_F(HttpTest, TakesABodyOfAnyLengthInParts) {
  HttpClient http = client();
  ASSERT_TRUE(http.begin_upload("POST", "/count"));
  std::string part(100'000, 'x');
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(http.upload(part));
  EXPECT_EQ(http.end_upload().value(), 200);
  EXPECT_EQ(int_at(parse_json(http.body().value()).value(), "total"), 5'000'000);
}

TEST_F(HttpTest, GivesTheConnectionAwayAsAStream) {
  HttpClient http = client();
  auto stream = http.upgrade("/stream", "{}");
  ASSERT_TRUE(stream);
  ASSERT_TRUE(stream->has_value());
  std::string bytes = (*stream)->read_ahead;
  while (
      receive_more((*stream)->socket.get(), bytes, Deadline::in(std::chrono::seconds(5))).value())
    continue;
  EXPECT_EQ(bytes, "hello");
}

TEST_F(HttpTest, IsNotServedToWhatSpeaksNoHttp) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(connect_unix(socket.get(), path_));
  ASSERT_TRUE(send_all(socket.get(), "nonsense\r\n\r\n"));
  std::string answer;
  while (receive_more(socket.get(), answer, Deadline::in(std::chrono::seconds(5))).value())
    continue;
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
}

TEST(Percent, EscapesComeBackAsTheyWere) {
  std::string all;
  for (int c = 1; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz"), "%zz");
}

}  // namespace
}  // namespace appshot
