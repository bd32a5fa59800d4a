#include "api/http_status.h"

namespace appshot {

int http_status_of(ErrorClass cls) {
  switch (cls) {
    case ErrorClass::usage:
      return 400;
    case ErrorClass::denied:
      return 403;
    case ErrorClass::not_found:
      return 404;
    case ErrorClass::conflict:
      return 409;
    case ErrorClass::gone:
      return 410;
    case ErrorClass::mismatch:
      return 412;
    case ErrorClass::refused:
    case ErrorClass::corrupt:
      return 422;
    case ErrorClass::unsupported:
      return 501;
    case ErrorClass::timeout:
      return 504;
    case ErrorClass::exhausted:
      return 507;
    case ErrorClass::other:
      return 500;
  }
  return 500;
}

std::string_view http_reason(int status) {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 422:
      return "Unprocessable Content";
    case 501:
      return "Not Implemented";
    case 504:
      return "Gateway Timeout";
    case 507:
      return "Insufficient Storage";
    default:
      return "Internal Server Error";
  }
}

}  // namespace appshot
